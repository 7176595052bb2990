"""All randomness of speaking, one seed for both backends: which tokens are revealed when, all noise draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .schedule import bit_reversal, cfg_ramp, reveal_counts, temperature_ramp


@dataclass(frozen=True)
class Plan:
    """The order of masked decoding: iteration k reveals the tokens `reveal[k]` under guidance `cfg[k]`.

    `temperature[k]` multiplies the temperature of that iteration. An iteration's positions are int64 and
    sorted; all together they are the masked tokens, each once.
    """

    reveal: tuple[np.ndarray, ...]
    cfg: tuple[float, ...]
    temperature: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.reveal)


def make_plan(
    masked: np.ndarray,
    num_iter: int,
    seed: int,
    cfg: float = 1.0,
    cfg_schedule: str = "linear",
    order: str = "random",
    temperature_schedule: str = "constant",
) -> Plan:
    """When each masked token is revealed: so many an iteration as in MAR (arXiv 2406.11838, 3.4).

    Args:
        masked: bool [tokens], true where a token must be generated.
        num_iter: iterations; no more than there are masked tokens are made.
        seed: of the order; "blocks" is the same for all.
        cfg: guidance scale at the end of the ramp; 1 is no guidance.
        cfg_schedule: "linear" or "constant".
        order: see `token_order`.
        temperature_schedule: "constant" or "linear".
    """
    positions = token_order(masked, seed, order)
    counts = reveal_counts(len(positions), num_iter)
    ends = np.cumsum(counts)
    reveal = tuple(np.sort(positions[end - count : end]) for end, count in zip(ends, counts, strict=True))
    guidance, heat = cfg_ramp(counts, cfg, cfg_schedule), temperature_ramp(counts, temperature_schedule)
    return Plan(reveal, tuple(guidance), tuple(heat))


def token_order(masked: np.ndarray, seed: int, order: str = "random") -> np.ndarray:
    """The masked positions, int64, first to be revealed first.

    Tokens of one iteration are drawn independently of each other, which neighbours suffer from most.

    Args:
        masked: bool [tokens].
        seed: of the permutation, or of where the interleaving begins.
        order: "random" (MAR's); "interleaved": of any 2^k tokens next to each other, one is in the first 2^-k
            of the order and the others come later, so that those revealed early are far apart and the later
            ones lie between revealed ones; "blocks": from left to right.
    """
    positions, rng = np.flatnonzero(masked), np.random.default_rng([seed, 0])
    if order == "blocks":
        return positions
    if order == "random":
        return rng.permutation(positions)
    reversal = bit_reversal(len(masked).bit_length())
    rank = reversal[(positions + rng.integers(len(reversal))) % len(reversal)]
    return positions[np.argsort(rank)]


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
