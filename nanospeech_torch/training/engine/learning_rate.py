"""The learning rate of a step, and how far a run is."""

from __future__ import annotations

import math


def progress(step: int, steps: int, seconds: float, minutes: float) -> float:
    """The share of a run that is done, 0 to 1: of its steps or (with `minutes`) of its time, the greater."""
    by_clock = seconds / (60 * minutes) if minutes else 0.0
    return min(max(step / steps, by_clock), 1.0)


def learning_rate(step: int, done: float, peak: float, final: float, warmup: int) -> float:
    """A cosine from `peak` to `final` as `done` goes from 0 to 1, with a warm-up of `warmup` steps."""
    cosine = final + (peak - final) * 0.5 * (1 + math.cos(math.pi * done))
    return cosine * min(1.0, (step + 1) / max(1, warmup))
