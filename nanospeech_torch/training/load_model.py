"""Loading a training run's checkpoint as a model, before it is exported."""

from __future__ import annotations

import dataclasses
import os

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.tensors import load_for_backend
from nanospeech_core.errors import UserError

from ..nanospeech import Nanospeech
from .acoustic.weights import read_weights


def load_model(path: str) -> Nanospeech:
    """The model of `step-N.pt`: its averaged weights, with the embedded checkpoint's vocoder and voices.

    Raises:
        UserError: it is not such a checkpoint, or there is no embedded checkpoint.
    """
    if not os.path.isfile(path):
        raise UserError(f"{path} does not exist")
    folder = checkpoint.resolve()
    vocoder = checkpoint.read_config(folder).vocoder
    config, tensors = read_weights(path)
    weights = load_for_backend(folder / "vocos.safetensors", "pt")
    model = Nanospeech.from_config(dataclasses.replace(config, vocoder=vocoder))
    model.set_weights(tensors | {f"vocoder.{name}": tensor for name, tensor in weights.items()}, path)
    model.folder = folder
    return model.eval()
