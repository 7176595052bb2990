"""The noise of sampling: seeded standard normal numbers, the same on every backend."""

from __future__ import annotations

import functools

import numpy as np

STEP, KEPT = 64, 8


@functools.lru_cache(KEPT)  # texts have the same seeds; a longer utterance has the same numbers and more
def _initial(seed: int, tokens: int, channels: int) -> np.ndarray:
    result = np.random.default_rng([seed, 1]).standard_normal((tokens, channels), dtype=np.float32)
    result.flags.writeable = False
    return result


class Noise:
    """The standard normal noise of one utterance, float32.

    A token's initial noise depends on the seed and its position only, not on the order of decoding.
    """

    def __init__(self, seed: int, tokens: int, channels: int):
        self.seed, self.channels = seed, channels
        self.initial = _initial(seed, -(-tokens // STEP) * STEP, channels)[:tokens]

    def steps(self, iteration: int, steps: int, rows: int) -> np.ndarray:
        """The noise [steps, rows, channels] that a DDPM head adds in one iteration of masked decoding."""
        rng = np.random.default_rng([self.seed, 2, iteration])
        return rng.standard_normal((steps, rows, self.channels), dtype=np.float32)
