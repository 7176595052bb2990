"""The iterations of masked decoding: which tokens of a batch each samples, by which noise and guidance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from .noise import Noise
from .reveal import RevealPlan


@dataclass(frozen=True, eq=False)
class Iteration:
    """One iteration of a batch; its rows are tokens of all utterances, laid end to end."""

    rows: np.ndarray  # int64 [rows]
    cfg: np.ndarray | None  # float32 [rows, 1]; None: no guidance
    temperature: np.ndarray  # float32 [rows, 1]
    initial: np.ndarray  # float32 [rows, channels], what the head starts from
    noise: np.ndarray | None  # float32 [steps, rows, channels], what a DDPM head adds


def iterations(
    plans: Sequence[RevealPlan],
    noises: Sequence[Noise],
    tokens: int,
    temperature: float,
    ddpm_steps: int = 0,
    bucket: int = 1,
) -> Iterator[Iteration]:
    """The iterations of a batch of utterances, each of `tokens` tokens, padding included.

    Args:
        plans, noises: of each utterance; those with fewer iterations are ready sooner.
        temperature: what the plans' own are multiplied by.
        ddpm_steps: of a DDPM head; 0: it adds no noise.
        bucket: the last row is repeated until the rows are a multiple of so many, so that iterations have few
            shapes; it is drawn again, with the same noise.
    """
    for k, reveals in enumerate(zip_longest(*(plan.reveal for plan in plans))):
        parts = [(b, plans[b], reveal) for b, reveal in enumerate(reveals) if reveal is not None]
        counts = [len(reveal) for _, _, reveal in parts]
        scales, heats = ([getattr(plan, name)[k] for _, plan, _ in parts] for name in ("cfg", "temperature"))
        noise = None
        if ddpm_steps:
            drawn = [noises[b].steps(k, ddpm_steps, len(reveal)) for b, _, reveal in parts]
            noise = np.concatenate(drawn, axis=1)
        own = np.arange(-(-sum(counts) // bucket) * bucket).clip(max=sum(counts) - 1)
        yield Iteration(
            np.concatenate([b * tokens + reveal for b, _, reveal in parts])[own],
            None if all(scale == 1 for scale in scales) else _column(scales, counts)[own],
            temperature * _column(heats, counts)[own],
            np.concatenate([noises[b].initial[reveal] for b, _, reveal in parts])[own],
            None if noise is None else noise[:, own],
        )


def _column(values: Sequence[float], counts: Sequence[int]) -> np.ndarray:
    return np.repeat(np.array(values, np.float32), counts)[:, None]
