"""All randomness of speaking, one seed for both backends: which tokens are revealed when, all noise draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .schedules import bit_reversal, cfg_ramp, reveal_counts, temperature_ramp


@dataclass(frozen=True)
class RevealPlan:
    """The order of masked decoding: iteration k reveals the tokens `reveal[k]` under guidance `cfg[k]`.

    `temperature[k]` multiplies the temperature of that iteration. An iteration's positions are int64 and
    sorted; all together they are the masked tokens, each once.
    """

    reveal: tuple[np.ndarray, ...]
    cfg: tuple[float, ...]
    temperature: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.reveal)

    def known(self) -> list[int]:
        """How many tokens, from the first on and without a gap, are visible after each iteration."""
        hidden = np.sort(np.concatenate(self.reveal)) if self.reveal else np.zeros(0, np.int64)
        counts = []
        for reveal in self.reveal:
            hidden = np.setdiff1d(hidden, reveal, assume_unique=True)
            counts.append(int(hidden[0]) if len(hidden) else int(max(map(max, self.reveal))) + 1)
        return counts


def make_reveal_plan(
    masked: np.ndarray,
    num_iter: int,
    seed: int,
    cfg: float = 1.0,
    cfg_schedule: str = "linear",
    order: str = "random",
    temperature_schedule: str = "constant",
    blocks: Sequence[int] | None = None,
) -> RevealPlan:
    """When each masked token is revealed: so many an iteration as in MAR (arXiv 2406.11838, 3.4).

    Args:
        masked: bool [tokens], true where a token must be generated.
        num_iter: iterations, of each block; no more than there are masked tokens are made.
        seed: of the order; "blocks" is the same for all.
        cfg: guidance scale at the end of the ramp; 1 is no guidance.
        cfg_schedule: "linear" or "constant".
        order: see `token_order`.
        temperature_schedule: "constant" or "linear".
        blocks: how many masked tokens are revealed before the next of them begin, from left to right, as
            `stream_blocks` gives them; None: all are one block.
    """
    hidden = np.flatnonzero(masked)
    reveal = []
    for positions in np.split(hidden, np.cumsum(blocks)[:-1]) if blocks else [hidden]:
        block = np.zeros_like(masked)
        block[positions] = True
        ordered = token_order(block, seed, order)
        counts = reveal_counts(len(positions), num_iter)
        ends = np.cumsum(counts)
        reveal += [np.sort(ordered[end - count : end]) for end, count in zip(ends, counts, strict=True)]
    counts = [len(part) for part in reveal]
    guidance, heat = cfg_ramp(counts, cfg, cfg_schedule), temperature_ramp(counts, temperature_schedule)
    return RevealPlan(tuple(reveal), tuple(guidance), tuple(heat))


def stream_blocks(tokens: int, first: int, growth: float, largest: int) -> list[int]:
    """The sizes of blocks that grow from `first` by the factor `growth` to `largest`; they sum to `tokens`.

    The first is sounded soon, the later ones while it is heard. A remainder of less than half a block is the
    last one's.
    """
    sizes: list[int] = []
    size = float(first)
    while tokens - sum(sizes) >= 1.5 * round(size):
        sizes.append(round(size))
        size = min(largest, size * growth)
    return [*sizes, tokens - sum(sizes)]


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
