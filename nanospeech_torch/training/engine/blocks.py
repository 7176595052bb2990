"""A network's blocks, compiled and recomputed backwards as `engine` says."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import torch
from torch import nn

from ..config import EngineConfig


def prepare_blocks(blocks: Iterable[nn.Module], engine: EngineConfig) -> None:
    """Compile the blocks one by one: they share a graph, which compiles in a fraction of the time.

    Recomputing goes around what is compiled: torch would not compile it otherwise, and not say so.
    """
    for block in blocks:
        if engine.compile:
            block.forward = torch.compile(block.forward, dynamic=False)
        if engine.checkpoint_activations:
            from torch.utils.checkpoint import checkpoint

            block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)
