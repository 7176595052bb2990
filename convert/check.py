"""Compare the tensors of a checkpoint with its config before a folder is written that cannot be loaded."""

from __future__ import annotations

import json
from pathlib import Path

from nanospeech_core.checkpoints.parameters import check_finite, check_parameters, parameter_shapes, vocos
from nanospeech_core.config import ModelConfig, VocosConfig
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

from .source import MODEL, PARTS, Source


def check_config(checkpoint: Source) -> None:
    """Raise UserError if the checkpoint's tensors are not those that its config describes.

    Without a config there is nothing to compare. A folder must have all files that its config names.
    """
    path = checkpoint.path
    for file in checkpoint.files:
        check_finite(file.tensors, path / file.name if path.is_dir() else path)
    if checkpoint.config is None:
        for file in checkpoint.files:
            if file.name == PARTS["vocoder."] and "config" in file.metadata:
                expected = vocos(vocoder_config(file.metadata["config"], path))
                check_parameters(file.tensors, file.format, expected, None, path)
        return
    config = ModelConfig.from_dict(
        checkpoint.config, str(path / "config.json") if path.is_dir() else f"{path}: config"
    )
    for file in checkpoint.files:
        expected = shapes_of(file.name, config)
        if expected:  # else it is no part of the model, or not described, and loading ignores it
            quantization = config.quantization if file.name == MODEL else None
            place = path / file.name if path.is_dir() else path
            check_parameters(file.tensors, file.format, expected, quantization, place)
    names = [file.name for file in checkpoint.files]
    for prefix, name in PARTS.items():
        if MODEL in names and name not in names and getattr(config, prefix.rstrip(".")) is not None:
            raise UserError(f"{path} has no {name}, but its config describes one")


def shapes_of(name: str, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters in a file of a checkpoint folder; empty if it is none of the config's."""
    shapes = parameter_shapes(config)
    for prefix, own in PARTS.items():
        if name == own:
            return {key.removeprefix(prefix): size for key, size in shapes.items() if key.startswith(prefix)}
    return {key: size for key, size in shapes.items() if name == MODEL and not key.startswith(tuple(PARTS))}


def vocoder_config(text: str, path: Path) -> VocosConfig:
    """The config in the metadata of a vocoder's file. Raises UserError if it is invalid."""
    try:
        return from_dict(VocosConfig, json.loads(text), f"{path}: config")
    except ValueError as error:
        raise UserError(f"{path}: the config in its metadata is not valid JSON: {error}") from error
