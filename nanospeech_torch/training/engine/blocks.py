"""Compiling a network's blocks and checkpointing their activations."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import torch
from torch import nn

from ..config import EngineConfig


def prepare_blocks(blocks: Iterable[nn.Module], engine: EngineConfig) -> None:
    """Compile the blocks and checkpoint their activations, as `engine` says.

    Blocks are compiled one by one: they share a graph, so this takes a fraction of the time. Checkpointing
    wraps the compiled block: the other way round, torch would silently not compile it.
    """
    for block in blocks:
        if engine.compile:
            block.forward = torch.compile(block.forward, dynamic=False)
        if engine.checkpoint_activations:
            from torch.utils.checkpoint import checkpoint

            block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)
