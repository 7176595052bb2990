"""Where a model computes: on a GPU if there is one, else in threads of the CPU."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .nanospeech import Nanospeech

SMALL_DIM = 384  # transformers narrower than this compute in one thread


def place(pipeline: Nanospeech) -> Nanospeech:
    """Move a model to the GPU if there is one; else choose the number of threads."""
    if torch.cuda.is_available():
        pipeline = pipeline.to("cuda")
    set_threads(pipeline)
    return pipeline


def set_threads(pipeline: Nanospeech) -> None:
    """Use one thread for the whole process if the model is small and on the CPU.

    PyTorch's default is meant for larger networks. A small model's matrix products are so short that threads
    gain a quarter on an idle machine. On a busy one they wait for each other: speech takes three times as
    long beside one process that uses a core (docs/performance.md). One thread leaves the other cores to the
    next sentences (`Nanospeech.default_workers`). If OMP_NUM_THREADS is set, nothing changes.
    """
    small = pipeline.transformer.dim < SMALL_DIM and pipeline.transformer.proj_out.weight.device.type == "cpu"
    if small and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
