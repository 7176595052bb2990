"""Cutting aligned recordings: silence off both ends, and long recordings at their pauses.

Positions are frames of the mel (94 a second).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanospeech_core.audio.mel import FRAME_RATE
from nanospeech_core.text.document import Sentence
from nanospeech_core.text.symbols import SILENT

KEPT = round(0.3 * FRAME_RATE)  # silence that stays at both ends
LONG = round(0.5 * FRAME_RATE)  # silence at an end that is cut
PAUSE = round(0.15 * FRAME_RATE)  # the shortest pause to split at; the closure of a plosive is shorter
ENOUGH = round(0.5 * FRAME_RATE)  # longer pauses are not better
SHORT = round(2 * FRAME_RATE)  # shorter pieces are avoided


@dataclass(frozen=True)
class Piece:
    """A part of a recording, or all of it: the symbols [first, last) in the frames [begin, end)."""

    first: int
    last: int
    begin: int
    end: int


@dataclass(frozen=True)
class Gap:
    """Silence between two words, or at an end of the recording."""

    last: int  # the symbols before it end here
    first: int  # the symbols after it begin here
    end: int  # frames: the piece before it ends here
    begin: int  # the piece after it begins here
    pause: int  # its length


def find_pieces(
    durations: np.ndarray, phonemes: str, spaces: list[int], lag: int, longest: float
) -> list[Piece] | None:
    """The pieces of a recording: one if it is short, else as few as possible, split at the longest pauses.

    Args:
        durations: frames of a pause, each phoneme, a pause: int64 [phonemes + 2].
        phonemes: of the recording.
        spaces: the indices of the phonemes " " at which its text can be split.
        lag: by how many frames the durations are late (see `alignment.alignment_lag`).
        longest: frames of a piece at most.
    Returns:
        None if a part that is too long has no pause.
    """
    ends = np.cumsum(durations)
    total = int(ends[-1])
    sounding = [i for i, symbol in enumerate(phonemes) if symbol not in SILENT]
    if not sounding:
        return [Piece(0, len(phonemes), 0, total)]
    start = int(ends[sounding[0]]) - lag
    stop = min(max(int(ends[sounding[-1] + 1]) - lag, start + 1), total)
    gaps = [Gap(0, 0, 0, start - KEPT if start > LONG else 0, 0)]
    for space in spaces:
        before, after = space, space + 1
        while before and phonemes[before - 1] in SILENT:
            before -= 1
        while after < len(phonemes) and phonemes[after] in SILENT:
            after += 1
        begin, end = int(ends[before]), int(ends[min(after, len(phonemes))])
        kept = min(KEPT, (end - begin) // 2)
        if before and after < len(phonemes) and end - begin >= PAUSE:
            gaps.append(Gap(space, space + 1, begin + kept - lag, end - kept - lag, end - begin))
    last = min(stop + KEPT, total) if total - stop > LONG else total
    gaps.append(Gap(len(phonemes), len(phonemes), last, total, 0))
    path = cheapest(gaps, longest)
    if path is None:
        return None
    chosen = [gaps[i] for i in path]
    return [Piece(a.first, b.last, a.begin, b.end) for a, b in zip(chosen, chosen[1:], strict=False)]


def cheapest(gaps: list[Gap], longest: float) -> list[int] | None:
    """The gaps to split at, with the first and the last one; None if a piece would be too long."""
    costs, before = [0.0], [0]
    for j, gap in enumerate(gaps[1:], 1):
        options = []
        for i in range(j - 1, -1, -1):
            length = gap.end - gaps[i].begin
            if length > longest:
                break
            options.append((costs[i] + max(0, SHORT - length) / SHORT, i))
        cost, best = min(options, default=(float("inf"), 0))
        costs.append(cost + 1.5 - min(gap.pause, ENOUGH) / ENOUGH)
        before.append(best)
    if not np.isfinite(costs[-1]):
        return None
    path = [len(gaps) - 1]
    while path[-1]:
        path.append(before[path[-1]])
    return path[::-1]


def piece_durations(durations: np.ndarray, piece: Piece, frames: int) -> list[int]:
    """The frames of a pause, each symbol of a piece, a pause; each at least 1, and they sum to `frames`."""
    ends = np.cumsum(durations)[piece.first : piece.last + 1] - piece.begin
    least = np.arange(1, len(ends) + 1)
    ends = np.clip(ends, least, frames - least[::-1])
    return [int(count) for count in np.diff(ends, prepend=0, append=frames)]


def text_spaces(sentences: list[Sentence]) -> list[int]:
    """The spaces in the symbols of sentences, joined by spaces, that no written word spans."""
    result, start = [], 0
    for sentence in sentences:
        inside = {i for word in sentence.words for i in range(word.first, word.last)}
        result += [
            start + i for i, symbol in enumerate(sentence.symbols) if symbol == " " and i not in inside
        ]
        start += len(sentence.symbols) + 1
        result.append(start - 1)
    return result[:-1]


def text_between(sentences: list[Sentence], first: int, last: int) -> str:
    """The written words that the symbols [first, last) of sentences, joined by spaces, speak."""
    parts, start = [], 0
    for sentence in sentences:
        words = [w for w in sentence.words if start + w.first >= first and start + w.last <= last]
        if words:
            parts.append(sentence.written[words[0].start : words[-1].end])
        start += len(sentence.symbols) + 1
    return " ".join(" ".join(parts).split())
