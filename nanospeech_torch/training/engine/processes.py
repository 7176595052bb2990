"""What the processes of a run exchange: counts, metrics, the stop signal. One process exchanges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import gather_object

from .task import TaskBatch


def total_counts(accelerator: Any, batches: Sequence[TaskBatch]) -> dict[str, float]:
    """The counts of what each loss is averaged over, over all batches of all processes."""
    counts: dict[str, float] = {}
    for batch in batches:
        for name, count in batch.counts.items():
            counts[name] = counts.get(name, 0) + count
    if accelerator.num_processes > 1:
        summed = accelerator.reduce(torch.tensor(list(counts.values()), device=accelerator.device))
        counts = dict(zip(counts, summed.tolist(), strict=True))
    return counts


def mean_metrics(accelerator: Any, means: dict[str, float]) -> dict[str, float]:
    """Metrics averaged over the processes."""
    if accelerator.num_processes > 1:
        values = torch.tensor(list(means.values()), dtype=torch.float64, device=accelerator.device)
        means = dict(zip(means, accelerator.reduce(values, "mean").tolist(), strict=True))
    return means


def total_skipped(accelerator: Any, skipped: Counter[str]) -> dict[str, int]:
    """How many utterances all processes skipped, by reason."""
    if accelerator.num_processes > 1:
        skipped = sum(map(Counter, gather_object([dict(skipped)])), Counter())
    return dict(skipped)


def broadcast_stop(accelerator: Any, seconds: float, received: Sequence[int]) -> tuple[float, int]:
    """(the main process's clock in seconds, the signal that any process received or 0), equal in all."""
    signal = received[0] if received else 0
    if accelerator.num_processes > 1:
        # float64: in float32 the hundredths of a second of a step are lost after a day
        shared = torch.tensor([seconds, signal], dtype=torch.float64, device=accelerator.device)
        shared = accelerator.gather(shared[None])
        seconds, signal = float(shared[0, 0]), int(shared[:, 1].max())
    return seconds, signal
