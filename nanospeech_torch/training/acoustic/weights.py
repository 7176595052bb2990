"""Initial weights of the acoustic model: random ones, or those of a trained model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError

from ...nanospeech import Nanospeech
from ..engine.checkpoints import averaged_weights, read_checkpoint


@torch.no_grad()
def initialize(model: Nanospeech) -> None:
    """adaLN starts as plain pre-norm blocks (constant: scale 0, shift 0, gate 1), outputs start at zero.

    DiffLoss as in MAR (arXiv 2406.11838): Xavier linear layers, zero modulations (gates closed) and output.
    """
    transformer = model.transformer
    for block in transformer.transformer_blocks:
        nn.init.zeros_(block.attn_norm.linear.weight)
        # shift, scale, gate of attention, then of feed-forward
        bias = block.attn_norm.linear.bias.view(6, -1)
        bias.zero_()
        bias[2], bias[5] = 1.0, 1.0
    nn.init.zeros_(transformer.norm_out.linear.weight)
    nn.init.zeros_(transformer.norm_out.linear.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    nn.init.normal_(transformer.text_embed.text_embed.weight, std=0.3)
    if model.to_mel is not None:
        nn.init.zeros_(model.to_mel.bias)
    if model.diffusion_module is not None:
        net = model.diffusion_module.net
        for module in net.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in (net.time_embed.mlp[0], net.time_embed.mlp[2]):
            nn.init.normal_(layer.weight, std=0.02)
        for part in (*net.res_blocks, net.final_layer):
            nn.init.zeros_(part.adaLN_modulation[1].weight)
        nn.init.zeros_(net.final_layer.linear.weight)
        if model.diffusion_module.context is not None:  # so a trained head first works as without it
            nn.init.zeros_(model.diffusion_module.context.out.weight)
            nn.init.zeros_(model.diffusion_module.context.out.bias)


def read_model_config(path: str) -> ModelConfig:
    """The config of a trained acoustic model, see `read_weights`."""
    return read_weights(path)[0]


def read_weights(path: str) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """A trained acoustic model: its config and tensors, without vocoder and aligner.

    Args:
        path: a trainer's checkpoint (.pt, the averaged weights), a checkpoint folder, a hub id, or
            "embedded".
    Raises:
        UserError: it cannot be read.
    """
    if os.path.isfile(path):
        state = read_checkpoint(path)
        if not (isinstance(state, dict) and "ema" in state and "config" in state):
            raise UserError(
                f"{path} is not a checkpoint of this trainer: it has no averaged weights and config"
            )
        config = ModelConfig.from_dict(state["config"], str(path))
        tensors = averaged_weights(state, path)
    else:
        folder = checkpoint.resolve(path)
        config, tensors = checkpoint.load_folder(folder, "pt")
    others = ("vocoder.", "aligner.")
    tensors = {name: value for name, value in tensors.items() if not name.startswith(others)}
    return dataclasses.replace(config, vocoder=None, aligner=None), tensors


@torch.no_grad()
def warm_start(model: Nanospeech, path: str) -> list[str]:
    """Copy a trained model's weights into `model`.

    Parts that the trained model does not have (a model trained on the flow path only has no head; a head may
    have no context) keep their weights.

    Args:
        model: to be trained.
        path: see `read_weights`.
    Returns:
        the names of the parts that the trained model does not have.
    Raises:
        UserError: it cannot be read, has another vocabulary, or a tensor does not fit.
    """
    config, tensors = read_weights(path)
    if config.text.vocab != model.config.text.vocab:
        raise UserError(f"{path} was trained with another text.vocab than the config's")
    own = model.state_dict()
    parts = {part_of(name) for name in tensors} | {"transformer"}
    shapes = {name: tuple(value.shape) for name, value in own.items() if part_of(name) in parts}
    for name, value in check_tensors(tensors, shapes, path).items():
        own[name].copy_(torch.from_numpy(value))
    return sorted({part_of(name) for name in own} - parts)


def part_of(name: str) -> str:
    """The part of the model that a tensor belongs to. The head's context counts as a part."""
    context = "diffusion_module.context"
    return context if name.startswith(f"{context}.") else name.partition(".")[0]


def freeze(model: nn.Module, prefixes: Sequence[str]) -> None:
    """Do not train the weights whose names begin with `prefixes`. Raises UserError if one matches nothing."""
    for prefix in prefixes:
        found = [p for name, p in model.named_parameters() if f"{name}.".startswith(f"{prefix}.")]
        if not found:
            parts = sorted({name.partition(".")[0] for name, _ in model.named_parameters()})
            raise UserError(f"config: frozen names {prefix!r}, but the model's parts are {', '.join(parts)}")
        for parameter in found:
            parameter.requires_grad_(False)
