"""Reading a trained vocoder from a checkpoint, a file, a folder or the hub."""

from __future__ import annotations

import os

import numpy as np
import torch

from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.checkpoints.vocoder import find_vocoder, load_vocoder
from nanospeech_core.config import VocosConfig
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

from ...models.vocos import Vocos
from ..engine.checkpoints import averaged_weights, read_checkpoint


def read_vocoder(path: str) -> tuple[VocosConfig, dict[str, np.ndarray]]:
    """A trained vocoder: its config and tensors, in torch's layout.

    Args:
        path: a training run's checkpoint (.pt, the averaged weights), a .safetensors file with its config, a
            checkpoint folder, a hub id, or "embedded".
    Raises:
        UserError: there is no vocoder.
    """
    if os.path.isfile(path) and not path.endswith(".safetensors"):
        return vocoder_of(read_checkpoint(path), path)
    return load_vocoder(find_vocoder(path), "pt")


def vocoder_of(state: dict, path: str) -> tuple[VocosConfig, dict[str, np.ndarray]]:
    """The averaged vocoder in a training checkpoint's contents. Raises UserError if there is none."""
    config = state.get("config") if isinstance(state, dict) else None
    if not (isinstance(config, dict) and "ema" in state):
        raise UserError(f"{path} is not a checkpoint of a vocoder's training run")
    sizes = config.get("vocoder") or config.get("model")  # the latter until 0.1
    if not sizes or "transformer" in config:
        raise UserError(f"{path} is not a checkpoint of a vocoder's training run")
    return from_dict(VocosConfig, sizes, f"{path}: config"), averaged_weights(state, path)


@torch.no_grad()
def warm_start(model: Vocos, path: str) -> None:
    """Copy a trained vocoder's weights into `model`. Raises UserError if they do not fit."""
    own = model.state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    for name, value in check_tensors(read_vocoder(path)[1], shapes, path).items():
        own[name].copy_(torch.from_numpy(value))
