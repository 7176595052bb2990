"""Folders of other makers: original Nanospeech checkpoints, and the Vocos that they speak through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from backends import Backend, random_weights
from checkpoints import tame

from nanospeech_core.checkpoints.original import SAMPLING
from nanospeech_core.checkpoints.tensors import save_tensors
from nanospeech_core.config import DiTConfig, DurationConfig, MelConfig, ModelConfig, TextConfig, VocosConfig

VOCAB = tuple(" !',-.?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
VOCOS = VocosConfig(dim=32, intermediate_dim=48, num_layers=2)


def original_config(vocab: tuple[str, ...] = VOCAB, small: bool = True) -> ModelConfig:
    """What the config of an original checkpoint is; `small` or of the published size (82 million)."""
    sizes = dict(dim=512, depth=18, heads=12, text_dim=512, conv_layers=4)
    duration = dict(dim=512, depth=12, heads=8, text_dim=512)
    if small:
        sizes = dict(dim=32, depth=2, heads=2, text_dim=24, conv_layers=1)
        duration = dict(dim=32, depth=1, heads=3, text_dim=16)
    transformer = DiTConfig(
        **sizes,
        ff_mult=2,
        patch=1,
        text_num_embeds=len(vocab),
        conv_pos_kernel=31,
        rope="first_head",
        visible_flag=False,
        mask_padding=False,
    )
    return ModelConfig(
        name="nanospeech",
        text=TextConfig("characters", vocab, "filler"),
        mel=MelConfig(mean=0.0, std=1.0),
        predict="velocity",
        transformer=transformer,
        diffusion=None,
        phone_duration=None,
        duration=DurationConfig(**duration, text_num_embeds=len(vocab)),
        vocoder=None,
        sampling=SAMPLING,
    )


def original_weights(backend: Backend, config: ModelConfig, seed: int = 7) -> dict[str, np.ndarray]:
    """Random weights by our names, in torch's layout; those of seed 7 predict 2 s for a short sentence."""
    model = backend.module("nanospeech").Nanospeech.from_config(config)
    return tame(random_weights(backend.shapes(model), seed))


def write_original(folder: Path, weights: dict[str, np.ndarray], vocab: tuple[str, ...] = VOCAB) -> Path:
    """`model.safetensors`, `duration.safetensors` and `vocab.txt` as Nanospeech's own tools leave them."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {  # torchaudio's buffers, which are saved with the weights
        "mel_spec.mel_stft.spectrogram.window": np.hanning(1024).astype(np.float32),
        "mel_spec.mel_stft.mel_scale.fb": np.zeros((513, 100), np.float32),
    }
    duration = "duration_predictor."
    model = {name: array for name, array in weights.items() if not name.startswith(duration)}
    rest = {
        name.removeprefix(duration): array for name, array in weights.items() if name.startswith(duration)
    }
    save_tensors(folder / "model.safetensors", tables | model)
    if rest:
        save_tensors(folder / "duration.safetensors", tables | rest)
    (folder / "vocab.txt").write_text("\n".join(vocab), encoding="utf-8")
    return folder


def vocos_yaml(config: VocosConfig = VOCOS) -> dict:
    """The contents of the public `config.yaml`, in other sizes."""
    mel = {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": 100, "padding": "center"}
    backbone = {
        "input_channels": config.input_channels,
        "dim": config.dim,
        "intermediate_dim": config.intermediate_dim,
        "num_layers": config.num_layers,
    }
    head = {"dim": config.dim, "n_fft": config.n_fft, "hop_length": config.hop_length, "padding": "center"}
    return {
        "feature_extractor": {
            "class_path": "vocos.feature_extractors.MelSpectrogramFeatures",
            "init_args": mel,
        },
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": backbone},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": head},
    }


def write_vocos(
    folder: Path, weights: dict[str, np.ndarray] | None = None, config: VocosConfig = VOCOS
) -> Path:
    """`config.yaml` and `pytorch_model.bin`, with the buffers of the public file; needs torch."""
    import torch

    if weights is None:
        backend = Backend("torch")
        shapes = backend.shapes(
            backend.module("models.vocos").Vocos(
                dim=config.dim, intermediate_dim=config.intermediate_dim, num_layers=config.num_layers
            )
        )
        weights = tame({f"vocoder.{name}": array for name, array in random_weights(shapes, 5).items()})
        weights = {name.removeprefix("vocoder."): array for name, array in weights.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(vocos_yaml(config)), encoding="utf-8")
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    window = torch.hann_window(config.n_fft)
    state["feature_extractor.mel_spec.spectrogram.window"] = window
    state["feature_extractor.mel_spec.mel_scale.fb"] = torch.zeros(513, 100)
    state["head.istft.window"] = window
    torch.save(state, folder / "pytorch_model.bin")
    return folder
