"""Time as the networks receive it: the frequencies of its embedding, and its distance from 1."""

from __future__ import annotations

import math

import numpy as np

MIN_GAP = 0.05  # 1 - t is clamped here wherever a clean prediction becomes a velocity


def time_frequencies(count: int, period: int) -> np.ndarray:
    """float32 [count]: 10000^(-i / period), the frequencies of the sinusoids that embed a time.

    Times reach 1000. There, a rounding error of a frequency changes the fifth digit of the sine, so both
    backends use this table. The exponent is float32, as in the training of the original checkpoints.
    """
    exponent = np.arange(count, dtype=np.float32) * np.float32(-math.log(10000) / period)
    return np.exp(exponent.astype(np.float64)).astype(np.float32)
