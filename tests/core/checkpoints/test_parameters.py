"""The names and shapes that a config asks for are those of the networks of both backends."""

from dataclasses import replace

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint
from originals import original_config

from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.checkpoints.parameters import check_parameters, parameter_shapes
from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.config import (
    AlignerConfig,
    DiffLossConfig,
    DiTConfig,
    DurationConfig,
    ModelConfig,
    PhoneDurationConfig,
    QuantizationConfig,
    VocosConfig,
)
from nanospeech_core.errors import UserError

# Sizes that all differ, so that no two can be mixed up.
ODD = ModelConfig(
    transformer=DiTConfig(
        dim=36,
        depth=2,
        heads=3,
        dim_head=10,
        ff_mult=5,
        mel_dim=7,
        patch=3,
        text_num_embeds=11,
        text_dim=18,
        conv_layers=2,
        conv_pos_kernel=9,
        conv_pos_groups=4,
    ),
    diffusion=DiffLossConfig(
        target_channels=21, z_channels=36, depth=2, width=34, context=2, regression=True
    ),
    phone_duration=PhoneDurationConfig(
        dim=48, depth=1, heads=3, dim_head=14, text_num_embeds=12, conv_pos_kernel=5
    ),
    vocoder=VocosConfig(input_channels=7, dim=22, intermediate_dim=50, num_layers=2, n_fft=64, hop_length=16),
    aligner=AlignerConfig(dim=26, key_dim=9, text_layers=2, mel_layers=1, kernel=5, text_num_embeds=13),
)
CONFIGS = {
    "default": ModelConfig(),
    "tiny": tiny_config(),
    "odd": ODD,
    "no regression": replace(ODD, diffusion=replace(ODD.diffusion, regression=False), residual=True),
    "ddpm": replace(ODD, diffusion=replace(ODD.diffusion, objective="ddpm", context=0, regression=False)),
    "mar": replace(ODD, diffusion=replace(ODD.diffusion, regression=False), residual=False),
    "nothing": replace(ODD, diffusion=None, phone_duration=None, vocoder=None, aligner=None),
    "original": original_config(),
    "duration": replace(
        original_config(), duration=DurationConfig(depth=1, conv_layers=1, dim_head=10, mel_dim=9)
    ),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("config", [*CONFIGS.values()], ids=CONFIGS)
def test_they_are_those_of_the_networks(config, name):
    backend = Backend(name)
    assert parameter_shapes(config) == backend.shapes(backend.module("networks").Networks.from_config(config))


def test_the_embedded_checkpoint():
    expected = parameter_shapes(read_config(PRETRAINED))
    model = {name: shape for name, shape in expected.items() if not name.startswith(("vocoder.", "aligner."))}
    tensors, metadata = load_tensors(PRETRAINED / "model.safetensors")
    check_parameters(tensors, metadata["format"], model, None, "model")
    name = next(name for name in tensors if tensors[name].ndim == 3)
    with pytest.raises(UserError, match="1 of the wrong shape: "):
        wrong = tensors | {name: np.zeros((1, 2, 3))}
        check_parameters(wrong, metadata["format"], model, None, "model")


@pytest.mark.parametrize("format", ["pt", "mlx"])
def test_quantized_layers_count_as_their_matrices(tmp_path, format):
    from convert.quantize import quantize_folder

    folder = quantize_folder(write_checkpoint(tmp_path / "tiny", format=format), 4, 32, tmp_path / "small")
    tensors, metadata = load_tensors(folder / "model.safetensors")
    expected = parameter_shapes(replace(tiny_config(), vocoder=None))
    quantization = QuantizationConfig(32, 4)
    check_parameters(tensors, metadata["format"], expected, quantization, "model")
    with pytest.raises(UserError, match="missing: transformer.proj_out.weight"):
        absent = {name: array for name, array in tensors.items() if "proj_out" not in name}
        check_parameters(absent, metadata["format"], expected, quantization, "model")
    with pytest.raises(UserError, match="unexpected"):
        check_parameters(tensors, metadata["format"], expected, None, "model")
