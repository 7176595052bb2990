"""What the processes of a run exchange: counts, metrics, the stop signal. One process exchanges nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import gather_object

from nanospeech_core.errors import UserError

from .task import TaskBatch


def check_agreement(accelerator: Any, step: int, data: dict, config: dict) -> None:
    """Check that all processes start the same run, at the same step: they may be on different machines.

    Args:
        step: of the checkpoint that a process has read; 0 without one.
        data: the data's fingerprint.
        config: the run's.
    Raises:
        UserError: a process differs from the first one. All processes raise it.
    """
    if accelerator.num_processes == 1:
        return
    first, *others = gather_object([(step, data, config)])
    for rank, (its_step, its_data, its_config) in enumerate(others, 1):
        if its_config != first[2]:
            names = ", ".join(
                sorted(name for name, value in its_config.items() if value != first[2].get(name))
            )
            raise UserError(
                f"process {rank} has another config than process 0 ({names}): start all with one file"
            )
        if its_step != first[0]:
            raise UserError(
                f"process {rank} goes on from step {its_step}, and process 0 from step {first[0]}: `out` "
                f"({config['out']}) must be one folder that all machines share"
            )
        if its_data != first[1]:
            counts = [f"{d['utterances']} utterances, {d['hours']:.2f} h" for d in (its_data, first[1])]
            raise UserError(
                f"process {rank} has other data ({counts[0]}) than process 0 ({counts[1]}): all machines "
                "need the same shards"
            )


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
