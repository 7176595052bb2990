"""Reading a trained aligner from a run, a checkpoint folder or the hub."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import torch

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.config import AlignerConfig, TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.strict import from_dict

from ...models.aligner import Aligner
from ..engine.checkpoints import averaged_weights, best_or_newest, read_checkpoint


def read_aligner(path: str) -> tuple[TextConfig, AlignerConfig, dict[str, np.ndarray]]:
    """An aligner's text config, its sizes and its weights (in torch's layout).

    Args:
        path: a training run or its checkpoint (.pt), a checkpoint folder, a hub id, or "embedded".
    Raises:
        UserError: there is no aligner.
    """
    path = best_or_newest(path)
    if os.path.isfile(path):
        state = read_checkpoint(path)
        config = state.get("config") if isinstance(state, dict) else None
        if not (isinstance(config, dict) and config.get("aligner") and "ema" in state):
            raise UserError(f"{path} is not a checkpoint of an aligner's training run")
        text = from_dict(TextConfig, config["text"], f"{path}: config.text")
        sizes = from_dict(AlignerConfig, config["aligner"], f"{path}: config.aligner")
        return text, sizes, averaged_weights(state, path)
    model, tensors = checkpoint.load_folder(checkpoint.resolve(path), "pt")
    if model.aligner is None:
        raise UserError(f"{path} has no aligner")
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith("aligner.")}
    weights = {name.removeprefix("aligner."): t.astype("float32") for name, t in weights.items()}
    return model.text, model.aligner, weights


def load_aligner(path: str = "embedded") -> tuple[Aligner, tuple[str, ...]]:
    """An aligner in evaluation mode, and its vocabulary. path: see `read_aligner`."""
    text, sizes, weights = read_aligner(path)
    aligner = Aligner(**dataclasses.asdict(sizes))
    shapes = {name: tuple(value.shape) for name, value in aligner.state_dict().items()}
    fitting = check_tensors(weights, shapes, path)
    aligner.load_state_dict({name: torch.from_numpy(value) for name, value in fitting.items()})
    return aligner.eval(), text.vocab
