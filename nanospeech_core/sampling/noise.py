"""The random numbers of sampling: seeded standard normal noise, the same on every backend."""

from __future__ import annotations

import numpy as np


class Noise:
    """Seeded standard normal draws, float32, the same on every backend.

    A token's first draw depends on the seed and its position only: the order of decoding does not change it.
    """

    def __init__(self, seed: int, tokens: int, channels: int):
        self.seed, self.channels = seed, channels
        self.initial = np.random.default_rng([seed, 1]).standard_normal((tokens, channels), dtype=np.float32)

    def steps(self, iteration: int, steps: int, rows: int) -> np.ndarray:
        """The noise [steps, rows, channels] that a DDPM head adds in one iteration of masked decoding."""
        rng = np.random.default_rng([self.seed, 2, iteration])
        return rng.standard_normal((steps, rows, self.channels), dtype=np.float32)
