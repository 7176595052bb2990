"""All randomness of speaking, one seed for both backends: which tokens are revealed when, all noise draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .schedule import cfg_ramp, reveal_counts


@dataclass(frozen=True)
class Plan:
    """The order of masked decoding: iteration k reveals the tokens `reveal[k]` under guidance `cfg[k]`.

    An iteration's positions are int64 and sorted; all together they are the masked tokens, each once.
    """

    reveal: tuple[np.ndarray, ...]
    cfg: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.reveal)


def make_plan(
    masked: np.ndarray, num_iter: int, seed: int, cfg: float = 1.0, cfg_schedule: str = "linear"
) -> Plan:
    """MAR's random order (arXiv 2406.11838, 3.4) over the masked tokens.

    Args:
        masked: bool [tokens], true where a token must be generated.
        num_iter: iterations; no more than there are masked tokens are made.
        seed: of the order.
        cfg: guidance scale at the end of the ramp; 1 is no guidance.
        cfg_schedule: "linear" or "constant".
    """
    order = np.random.default_rng([seed, 0]).permutation(np.flatnonzero(masked))
    counts = reveal_counts(len(order), num_iter)
    ends = np.cumsum(counts)
    reveal = tuple(np.sort(order[end - count : end]) for end, count in zip(ends, counts, strict=True))
    return Plan(reveal, tuple(cfg_ramp(counts, cfg, cfg_schedule)))


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
