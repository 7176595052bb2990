"""The plan of masked decoding: which tokens each iteration reveals, the same on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .schedules import guidance_scales, reveal_counts, temperature_factors


@dataclass(frozen=True)
class RevealPlan:
    """The order of masked decoding: iteration k reveals the tokens `reveal[k]` under guidance `cfg[k]`.

    `temperature[k]` multiplies the temperature of that iteration. An iteration's positions are int64 and
    sorted; all together they are the masked tokens, each once.

    Of the estimate after an iteration, only `ahead` tokens after those that are visible without a gap are
    needed; the others may be zero. None: all are needed.
    """

    reveal: tuple[np.ndarray, ...]
    cfg: tuple[float, ...]
    temperature: tuple[float, ...]
    ahead: int | None = None

    def __len__(self) -> int:
        return len(self.reveal)

    def visible_prefix(self) -> list[int]:
        """After each iteration, how many tokens from the first one on are visible without a gap."""
        return [first for first, _ in self._masked()[1:]]

    def spans(self) -> list[tuple[int, int]]:
        """For each iteration, the first and the last token (excluded) that it samples or estimates."""
        masked, spans = self._masked(), []
        for reveal, (first, end), (final, _) in zip(self.reveal, masked, masked[1:], strict=False):
            if self.ahead is not None:
                end = min(end, max(int(reveal[-1]) + 1, final + self.ahead))
            spans.append((first, end))
        return spans

    def _masked(self) -> list[tuple[int, int]]:
        """Before each iteration, the first token that is masked, and the token after the last one.

        One more item is for the end, when none is: the token after all of them, twice.
        """
        after = max((int(reveal[-1]) + 1 for reveal in self.reveal), default=0)
        first, end, found = after, 0, [(after, after)]
        for reveal in reversed(self.reveal):
            first, end = min(first, int(reveal[0])), max(end, int(reveal[-1]) + 1)
            found.append((first, end))
        return found[::-1]


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
    """Which iteration reveals which masked token. The number per iteration is MAR's (arXiv 2406.11838, 3.4).

    Args:
        masked: bool [tokens], true where a token must be generated.
        num_iter: iterations of each block, but at most one for each masked token.
        seed: of the order; it has no effect on "blocks".
        cfg: guidance scale at the end of the ramp; 1 is no guidance.
        cfg_schedule: "linear" or "constant".
        order: see `token_order`.
        temperature_schedule: "constant" or "linear".
        blocks: sizes of blocks of masked tokens, as of `stream_blocks`; a block is complete before the next
            one to its right begins. None: all are one block.
    """
    all_positions = np.flatnonzero(masked)
    reveal: list[np.ndarray] = []
    for positions in np.split(all_positions, np.cumsum(blocks)[:-1]) if blocks else [all_positions]:
        block = np.zeros_like(masked)
        block[positions] = True
        ordered = token_order(block, seed, order)
        counts = reveal_counts(len(positions), num_iter)
        ends = np.cumsum(counts)
        reveal += [np.sort(ordered[end - count : end]) for end, count in zip(ends, counts, strict=True)]
    counts = [len(part) for part in reveal]
    scales, factors = (
        guidance_scales(counts, cfg, cfg_schedule),
        temperature_factors(counts, temperature_schedule),
    )
    return RevealPlan(tuple(reveal), tuple(scales), tuple(factors))


def stream_blocks(tokens: int, first: int, growth: float, largest: int) -> list[int]:
    """Block sizes that grow from `first` by the factor `growth` up to `largest`, and sum to `tokens`.

    The first block is small, so that playback starts soon; later ones are made while it plays. A remainder of
    less than half a block is added to the last one.
    """
    sizes: list[int] = []
    size = float(first)
    while tokens - sum(sizes) >= 1.5 * round(size):
        sizes.append(round(size))
        size = min(largest, size * growth)
    return [*sizes, tokens - sum(sizes)]


def token_order(masked: np.ndarray, seed: int, order: str = "random") -> np.ndarray:
    """The masked positions, int64, in the order in which they are revealed.

    Tokens of one iteration are sampled independently of each other, which harms neighbors most.

    Args:
        masked: bool [tokens].
        seed: of the permutation, or of the start of the interleaving.
        order: "random" (MAR's); "interleaved": of any 2^k adjacent tokens, one is in the first 2^-k of the
            order and the others come later, so early tokens are far apart, and later ones lie between
            revealed ones; "blocks": from left to right.
    """
    positions, rng = np.flatnonzero(masked), np.random.default_rng([seed, 0])
    if order == "blocks":
        return positions
    if order == "random":
        return rng.permutation(positions)
    reversal = bit_reversal(len(masked).bit_length())
    rank = reversal[(positions + rng.integers(len(reversal))) % len(reversal)]
    return positions[np.argsort(rank)]


def bit_reversal(bits: int) -> np.ndarray:
    """int64 [2^bits]: each index with its bits in reverse order (van der Corput's sequence)."""
    result = np.zeros(1, np.int64)
    for _ in range(bits):
        result = np.concatenate((2 * result, 2 * result + 1))
    return result
