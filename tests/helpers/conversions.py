"""`python -m convert` in this process or in its own, and a checkpoint folder of a few thousand weights."""

from __future__ import annotations

import json
from pathlib import Path

import commands
import numpy as np
from backends import random_weights

from nanospeech_core.checkpoints.parameters import parameter_shapes
from nanospeech_core.checkpoints.tensors import BFLOAT16, DTYPES, cast, save_tensors
from nanospeech_core.config import AlignerConfig, DiTConfig, ModelConfig, VocosConfig


def run(*arguments: object, code: int = 0, process: bool = False) -> commands.Done:
    """A run that must end with `code`."""
    done = (commands.in_a_process if process else commands.in_this_process)("convert", *arguments)
    assert done.code == code, done
    return done


def failure(*arguments: object, process: bool = False) -> str:
    """The one sentence of a run that fails with status 1."""
    done = run(*arguments, code=1, process=process)
    assert done.out == "" and done.err.count("\n") == 1 and done.err.startswith("python -m convert: "), (
        done.err
    )
    return done.err


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# A model of a few thousand weights.
CONFIG = ModelConfig(
    transformer=DiTConfig(
        dim=8, depth=0, heads=1, dim_head=2, mel_dim=4, patch=1, text_dim=3, conv_layers=0, conv_pos_groups=2
    ),
    diffusion=None,
    phone_duration=None,
    vocoder=VocosConfig(input_channels=4, dim=4, intermediate_dim=6, num_layers=1, n_fft=8, hop_length=2),
    aligner=AlignerConfig(dim=4, key_dim=2, mel_layers=1, mel_dim=4),
)
CONV = "transformer.input_embed.conv_pos_embed.conv1d.0.weight"


def make_parts(dtype: str = "F32", config: ModelConfig = CONFIG) -> dict[str, dict[str, np.ndarray]]:
    """The tensors of model.safetensors, vocos.safetensors and aligner.safetensors, in torch's layout."""
    weights = random_weights(parameter_shapes(config), 7)
    weights = {name: cast(array, DTYPES[dtype]) for name, array in weights.items()}
    parts = {
        part: {n.removeprefix(f"{part}."): weights.pop(n) for n in list(weights) if n.startswith(f"{part}.")}
        for part in ("vocoder", "aligner")
    }
    return {"model": weights, "vocos": parts["vocoder"], "aligner": parts["aligner"]}


def make_tensors(dtype: str) -> dict[str, np.ndarray]:
    return make_parts(dtype)["model"]


def make_folder(folder: Path, dtype: str = "F32") -> Path:
    (folder / "voices").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG.to_dict(), indent=1))
    (folder / "README.md").write_text("A model card.")
    (folder / "voices" / "heart.flac").write_bytes(b"fLaC\0\xff")
    (folder / "voices" / "heart.json").write_text("{}")
    metadata = {"zone": "1", "format": "pt", "a": "ü"}
    parts = make_parts(dtype)
    save_tensors(folder / "model.safetensors", parts["model"], metadata)
    for name in ("vocos", "aligner"):
        save_tensors(folder / f"{name}.safetensors", parts[name], {"format": "pt"})
    return folder


def torch_weights(torch, dtype: str = "BF16", part: str = "model") -> dict:
    """`make_parts` as tensors."""
    tensors = {}
    for name, array in make_parts(dtype)[part].items():
        tensor = torch.from_numpy((array.view("<i2") if array.dtype == BFLOAT16 else array).copy())
        tensors[name] = tensor.view(torch.bfloat16) if array.dtype == BFLOAT16 else tensor
    return tensors
