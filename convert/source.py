"""Read a checkpoint of any kind. Only `.pt` files need torch; all others are read with numpy."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from nanospeech_core.checkpoints.folder import EMBEDDED, TORCH_SUFFIXES, check_exported, resolve
from nanospeech_core.checkpoints.original import unwrap
from nanospeech_core.checkpoints.tensors import BFLOAT16, DTYPES, file_format, load_tensors
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError

MODEL = "model.safetensors"
WEIGHTS = ("ema", "model", "state_dict")  # where they are in a training checkpoint; the last is Lightning's
# Parts with their own file: the prefix of their tensors in a whole model, and the prefixes in the file.
PARTS = {"vocoder.": "vocos.safetensors", "aligner.": "aligner.safetensors"}
ALONE = {
    "vocos.safetensors": ("backbone.", "head.", "feature_extractor."),
    "aligner.safetensors": (
        "text_embed.",
        "text_blocks.",
        "to_key.",
        "mel_embed.",
        "mel_blocks.",
        "to_query.",
    ),
}
# Other files of a checkpoint folder: they are copied.
COPIED = ("*.json", "*.txt", "*.md", "LICENSE*", "NOTICE*", "voices")


@dataclass
class TensorFile:
    """The contents of one safetensors file, read or to be written."""

    name: str
    tensors: dict[str, np.ndarray]
    metadata: dict[str, str]
    format: str  # "pt" or "mlx"


@dataclass
class Source:
    """A checkpoint as it was read: a folder, a safetensors file, or a training checkpoint (.pt)."""

    path: Path
    files: list[TensorFile]
    config: dict | None = None
    step: int | None = None
    copied: list[Path] = field(default_factory=list)


def read(path: str | os.PathLike) -> Source:
    """Read a checkpoint of any kind: a folder, a file, or `EMBEDDED`.

    Raises:
        UserError: it is missing or broken, or it is a `.pt` and torch is not installed.
    """
    path = resolve(path) if path == EMBEDDED else Path(path)
    if os.path.isdir(path):
        return read_folder(path)
    if not os.path.exists(path):
        raise UserError(f"{path} does not exist")
    if path.suffix in TORCH_SUFFIXES:
        return read_pt(path)
    return Source(path, [read_safetensors(path)])


def read_safetensors(path: Path) -> TensorFile:
    tensors, metadata = load_tensors(path)
    return TensorFile(path.name, dict(unwrap(tensors)), metadata, file_format(metadata, path))


def read_folder(folder: Path) -> Source:
    check_exported(folder)
    names = sorted(entry.name for entry in folder.iterdir())
    files = [read_safetensors(folder / name) for name in names if name.endswith(".safetensors")]
    if not files:
        raise UserError(f"{folder} contains no .safetensors file")
    copied = [folder / name for name in names if any(fnmatch(name, pattern) for pattern in COPIED)]
    return Source(folder, files, read_json(folder / "config.json"), copied=copied)


def read_json(path: Path) -> dict | None:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error


def without_absent(config: dict, names: Sequence[str]) -> dict:
    """A config without the parts whose files are not in `names`; the embedded ones are used instead."""
    return config | {prefix.rstrip("."): None for prefix, name in PARTS.items() if name not in names}


def read_pt(path: Path) -> Source:
    """Read a training checkpoint (its EMA weights and its config) or a state dict, also of other tools."""
    try:
        import torch
    except ImportError as error:
        raise UserError(f"reading {path.name} needs PyTorch: pip install torch") from error
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise UserError(f"cannot read {path}: it contains more than tensors and plain values") from error
    except Exception as error:  # damaged bytes make torch's reader fail in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is not a complete torch checkpoint: {reason}") from error

    if not isinstance(checkpoint, dict) or not checkpoint:
        raise UserError(f"{path} contains no dict of tensors")
    weights = next((checkpoint[key] for key in WEIGHTS if checkpoint.get(key)), checkpoint)
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise UserError(f"{path} has neither 'ema' nor 'model' weights and is not a dict of tensors")
    tensors = {str(name): from_torch(str(name), tensor) for name, tensor in weights.items()}
    tensors = dict(unwrap(tensors))
    files = split_parts(tensors)
    config = checkpoint.get("config")
    names = [file.name for file in files]
    if names[0] != MODEL:  # the trainers of a vocoder and of an aligner have other configs
        config = None
    if config is not None:
        config = without_absent(ModelConfig.from_dict(config, f"{path}: config").to_dict(), names)
    return Source(path, files, config, checkpoint.get("step"))


def from_torch(name: str, tensor: Any) -> np.ndarray:
    """A torch tensor as numpy, bit for bit; bfloat16, which numpy does not have, as `BFLOAT16`."""
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(BFLOAT16)
    try:
        array = tensor.numpy()
    except TypeError as error:
        raise UserError(f"{name} has the dtype {tensor.dtype}, which is not supported") from error
    if array.dtype not in DTYPES.values():
        raise UserError(f"{name} has the dtype {tensor.dtype}, which is not supported")
    return array


def split_parts(tensors: dict[str, np.ndarray]) -> list[TensorFile]:
    """Split a state dict into the files of a folder: model, vocoder, aligner, or only one of them."""
    for name, starts in ALONE.items():
        if all(key.startswith(starts) for key in tensors):
            return [TensorFile(name, tensors, {"format": "pt"}, "pt")]
    model = dict(tensors)
    files = {MODEL: model}
    for prefix, name in PARTS.items():
        own = [key for key in model if key.startswith(prefix)]
        files[name] = {key.removeprefix(prefix): model.pop(key) for key in own}
    return [TensorFile(name, part, {"format": "pt"}, "pt") for name, part in files.items() if part]
