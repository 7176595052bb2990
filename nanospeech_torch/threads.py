"""The number of threads: PyTorch's default is meant for larger networks than these."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .nanospeech import Nanospeech

SMALL = 384  # width of a transformer


def set_threads(model: Nanospeech) -> None:
    """Make PyTorch compute in one thread if the model is small and runs on a CPU. For commands.

    The matrix products are so short that more threads save only a quarter of the time on an idle machine. On
    a busy one they wait for each other: beside one process that uses a core, speech takes three times as long
    (docs/performance.md). One thread leaves the other cores to the next sentences
    (`Nanospeech.default_workers`). Nothing is done if OMP_NUM_THREADS is set.
    """
    small = model.transformer.dim < SMALL and model.transformer.proj_out.weight.device.type == "cpu"
    if small and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
