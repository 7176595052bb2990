"""`inspect`: the contents of a checkpoint as text."""

from __future__ import annotations

import os

from nanospeech_core.checkpoints.original import OriginalFiles, read_original
from nanospeech_core.checkpoints.quantization import parameter_counts
from nanospeech_core.checkpoints.tensors import DTYPE_NAMES, load_for_backend
from nanospeech_core.config import ModelConfig

from .convert import NAMES
from .source import read


def describe(source: str | os.PathLike) -> str:
    """The contents of a checkpoint: config, then each file's parts, tensors, shapes and dtypes."""
    checkpoint = read(source)
    lines = [str(checkpoint.path)]
    if checkpoint.step is not None:
        lines.append(f"step {checkpoint.step}")
    config, files = checkpoint.config, OriginalFiles.find(checkpoint.path)
    if files is not None:
        lines.append("an original Nanospeech checkpoint; its inferred config:")
        config = read_original(files, lambda file: load_for_backend(file, "pt"))[0].to_dict()
    if config is not None:
        lines += ["config", *(f"  {key}: {brief(value)}" for key, value in config.items())]
    quantization = None
    if config is not None and config.get("quantization") is not None:
        quantization = ModelConfig.from_dict(config, "config").quantization
    bits = 32 if quantization is None else quantization.bits
    for file in checkpoint.files:
        size = sum(array.nbytes for array in file.tensors.values())
        counts = parameter_counts(file.tensors, bits)
        count = sum(counts.values())
        lines.append(f"{file.name}: {NAMES[file.format]} format, {count:,} parameters, {size / 1e6:.1f} MB")
        lines += [f"  metadata {key}: {value}" for key, value in file.metadata.items() if key != "format"]
        parts: dict[str, int] = {}
        for name, count in counts.items():
            part = name.split(".")[0]
            parts[part] = parts.get(part, 0) + count
        lines += [f"  {part}: {count:,} parameters" for part, count in parts.items()]
        lines += [
            f"    {name} {DTYPE_NAMES[array.dtype]} {list(array.shape)}"
            for name, array in file.tensors.items()
        ]
    return "\n".join(lines)


def brief(value: object) -> str:
    """A config value on one line; a long list (the vocabulary) is abbreviated to its length."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {brief(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)) and len(value) > 8:
        return f"({len(value)} entries)"
    return str(value)
