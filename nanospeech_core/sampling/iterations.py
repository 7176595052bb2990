"""The iterations of masked decoding: the tokens that each one samples, their noise and guidance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from .noise import Noise
from .reveal import RevealPlan


@dataclass(frozen=True, eq=False)
class Iteration:
    """One iteration of a batch. Its rows are the tokens that it reveals, of one utterance after the other."""

    span: tuple[int, int]  # the first and the last token (excluded) whose hidden states are needed
    rows: np.ndarray  # int64 [rows], indices into [batch x tokens]
    places: np.ndarray  # int64 [rows], the same into [batch x tokens of the span]
    initial: np.ndarray  # float32 [rows, channels]: the noise that the head starts from
    noise: np.ndarray | None  # float32 [steps, rows, channels]: the noise that a DDPM head adds in each step
    temperature: np.ndarray  # float32 [rows, 1]
    cfg: np.ndarray | None  # float32 [rows, 1]; None: no guidance

    def arrays(self) -> tuple[np.ndarray | None, ...]:
        """All of them, in this order: the last arguments of a backend's step (`mar.make_step`)."""
        return self.rows, self.places, self.initial, self.noise, self.temperature, self.cfg


def iterations(
    plans: Sequence[RevealPlan],
    noises: Sequence[Noise],
    tokens: int,
    temperature: float,
    ddpm_steps: int = 0,
    bucket: int = 1,
    neighbors: int | None = None,
) -> Iterator[Iteration]:
    """The iterations of a batch of utterances, each of `tokens` tokens, padding included.

    Args:
        plans, noises: of each utterance. One with fewer iterations than others is finished earlier.
        temperature: multiplied by the plans' factors.
        ddpm_steps: denoising steps of a DDPM head; 0: the head adds no noise.
        bucket: the number of rows is rounded up to a multiple of this, so that iterations have few shapes.
            The last row is repeated, with the same noise.
        neighbors: how many on each side of a token the head reads. None: the span is all tokens, so that
            iterations have few shapes.
    """
    all_spans = [] if neighbors is None else [plan.spans() for plan in plans]
    for k, reveals in enumerate(zip_longest(*(plan.reveal for plan in plans))):
        parts = [(b, plans[b], reveal) for b, reveal in enumerate(reveals) if reveal is not None]
        counts = [len(reveal) for _, _, reveal in parts]
        scales, factors = [plan.cfg[k] for _, plan, _ in parts], [plan.temperature[k] for _, plan, _ in parts]
        noise = None
        if ddpm_steps:
            noise = np.concatenate(
                [noises[b].steps(k, ddpm_steps, len(reveal)) for b, _, reveal in parts], axis=1
            )
        span = 0, tokens
        if neighbors is not None:
            spans = [all_spans[b][k] for b, _, _ in parts]
            first, end = min(span[0] for span in spans), max(span[1] for span in spans)
            span = max(0, first - neighbors), min(tokens, end + neighbors)
        padded = np.arange(-(-sum(counts) // bucket) * bucket).clip(max=sum(counts) - 1)
        yield Iteration(
            span=span,
            rows=np.concatenate([b * tokens + reveal for b, _, reveal in parts])[padded],
            places=np.concatenate([(b * (span[1] - span[0]) - span[0]) + reveal for b, _, reveal in parts])[
                padded
            ],
            initial=np.concatenate([noises[b].initial[reveal] for b, _, reveal in parts])[padded],
            noise=None if noise is None else noise[:, padded],
            temperature=temperature * _column(factors, counts)[padded],
            cfg=None if all(scale == 1 for scale in scales) else _column(scales, counts)[padded],
        )


def _column(values: Sequence[float], counts: Sequence[int]) -> np.ndarray:
    """float32 [rows, 1]: each value as often as its utterance has rows."""
    return np.repeat(np.array(values, np.float32), counts)[:, None]
