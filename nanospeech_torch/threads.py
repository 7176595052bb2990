"""How many threads compute: PyTorch's own choice is made for networks larger than these."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .nanospeech import Nanospeech

SMALL = 384  # width of a transformer


def set_threads(speaker: Nanospeech) -> None:
    """Have a command's process compute in one thread where its model is small and speaks on a CPU.

    Its products are so short that threads gain a quarter on an idle machine, and wait for each other on a
    busy one: three times as long beside one process that takes a core (docs/performance.md). One thread
    leaves the other cores to the next sentences (`Nanospeech.default_workers`). Nothing is done where
    OMP_NUM_THREADS is set.
    """
    small = speaker.transformer.dim < SMALL and speaker.transformer.proj_out.weight.device.type == "cpu"
    if small and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
