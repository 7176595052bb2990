"""Joints: a sentence that is cut only for its length is spoken in parts, and its parts meet without a break.

Each part is generated together with the nearest words of the parts around it (its *context*), so that its
intonation goes on. The context is then cut off the waveform in the middle of the silence between two words,
and the parts are cross-faded there. No part needs another part's waveform to be generated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..audio.crossfade import crossfade
from ..text.symbols import SILENT

CONTEXT_SYMBOLS = 20  # of a context, at least: about 1.2 seconds
OVERLAP = 480  # samples of the cross-fade: 20 ms


def context_symbols(speed: float) -> int:
    """How many symbols a context has at least: fewer if they last longer."""
    return max(1, round(CONTEXT_SYMBOLS * min(1.0, speed)))


def first_words(symbols: np.ndarray, space: int, least: int) -> tuple[int, ...]:
    """The first words of a part, until the first space after `least` symbols.

    A word is cut after twice as many.

    Args:
        symbols: the ids of the part, int64 [symbols], without the pauses at its ends.
        space: the id of the space.
        least: how many symbols.
    """
    ends = (at for at in range(least, min(2 * least, len(symbols))) if symbols[at] == space)
    return tuple(int(i) for i in symbols[: next(ends, 2 * least)])


def last_words(symbols: np.ndarray, space: int, least: int) -> tuple[int, ...]:
    """The last words of a part, see `first_words`."""
    return first_words(symbols[::-1], space, least)[::-1]


def joint_sample(symbols: Sequence[str], edges: np.ndarray, space: int) -> int:
    """The sample at which the cross-fade with another part begins.

    Args:
        symbols: of the segment, with the context.
        edges: int64 [symbols + 1], where each symbol begins, and the end; in samples.
        space: the index of the space between the part and its context. The middle of the cross-fade is the
            middle of this space and of the marks before it.
    """
    first = space
    while first > 0 and symbols[first - 1] in SILENT:
        first -= 1
    return max(0, int(edges[first] + edges[space + 1] - OVERLAP) // 2)


class Joiner:
    """Cuts the contexts off the waveforms of successive segments, and cross-fades the parts of a sentence."""

    def __init__(self) -> None:
        self.held_back = np.zeros(
            0, np.float32
        )  # what follows the last segment: the next one fades in over it

    def join(
        self, chunks: Iterable[np.ndarray], start: int, stop: int, continues: bool
    ) -> Iterator[np.ndarray]:
        """The samples [start, stop) of a segment's waveform in chunks, of which none is empty.

        Args:
            chunks: float32 [samples] each; those after the part and its cross-fade are not taken.
            start: the first sample; cross-faded with the segment before if that one continues.
            stop: where the segment ends.
            continues: whether the next segment is a part of the same sentence.
        """
        old, taken, given = self.held_back, 0, start
        end = stop + OVERLAP if continues else stop
        new = self.held_back = np.zeros(0, np.float32)
        for chunk in chunks:
            new = np.concatenate((new, chunk[max(0, start - taken) : max(0, end - taken)]))
            taken += len(chunk)
            if len(new) < len(old) and taken < end:
                continue
            overlap = min(len(old), len(new))
            new[:overlap] = crossfade(old[:overlap], new[:overlap])
            heard, new, old = new[: stop - given], new[max(0, stop - given) :], old[:0]
            given += len(heard)
            if len(heard):
                yield heard
            if taken >= end:
                break
        self.held_back = new
