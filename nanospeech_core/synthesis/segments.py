"""A sentence's durations, held where the text asks for a pause, and its parts where it is too long.

A pause inside a sentence is the space between two words, stretched: the model was taught that a space is as
silent as it is long. It was not taught spaces of several seconds; most of a long one is put into the mel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..audio.mel import LOG_FLOOR
from ..config import ModelConfig
from ..sampling.prompt import MAX_FRAMES, Prompt, with_pauses
from ..voices.alignment import alignment_lag
from ..voices.reference import Reference
from .prompts import halves, make_prompt, total_tokens

HELD_FRAMES = 70  # of a pause, at most, that the model draws itself; it is silent in 94, not always in 188

SEAM_FRAMES = 24  # of silence between the parts of a sentence that is too long


@dataclass(frozen=True)
class Hold:
    """Symbols [first, last) of a line, the last of them a space, are `frames` long whatever is predicted."""

    first: int
    last: int
    frames: int


@dataclass(frozen=True, eq=False)
class Line:
    """A sentence to be spoken, or a part of one that is too long."""

    ids: np.ndarray  # int64 [symbols], with pauses at its ends where the model has durations
    holds: tuple[Hold, ...] = ()
    lead: int | None = None  # frames of silence asked for before its first word,
    tail: int | None = None  # and after its last; None: as it comes
    start: int = 0  # symbols of the sentence that were spoken before


@dataclass(frozen=True, eq=False)
class Piece:
    """What is spoken at once."""

    line: Line
    prompt: Prompt
    drawn: int  # frames of its mel
    frames: np.ndarray  # int64 [symbols] of each symbol, silences included; of "filler" models [1]
    silences: tuple[tuple[int, int], ...] = ()  # (frame of the drawn mel, frames of silence put in there)

    @property
    def total(self) -> int:
        """Frames of its mel with the rest of its long pauses."""
        return self.shown(self.drawn)

    def shown(self, known: int) -> int:
        """Where the first `known` frames of the drawn mel end with the silences put in."""
        return known + sum(frames for at, frames in self.silences if at <= known)

    def with_silences(self, mel: np.ndarray) -> np.ndarray:
        """What was drawn, log-mel [frames, mel_dim], with the rest of its long pauses."""
        for at, frames in reversed(self.silences):
            silence = np.full((frames, mel.shape[1]), np.log(LOG_FLOOR), mel.dtype)
            mel = np.concatenate((mel[:at], silence, mel[at:]))
        return mel


def hold(frames: np.ndarray, holds: tuple[Hold, ...], patch: int) -> tuple[np.ndarray, np.ndarray]:
    """Durations with their pauses held: int64 [symbols] that the model draws, and with the silences.

    A pause is given to the space; marks before it keep what they have while they fit.

    Args:
        frames: int64 [symbols], as predicted.
        holds: in order.
        patch: the last symbol is stretched to fill the last token.
    """
    drawn = frames.copy()
    whole = frames.copy()
    for held in holds:
        marks = frames[held.first : held.last - 1]
        for result, length in ((drawn, min(held.frames, HELD_FRAMES)), (whole, held.frames)):
            ends = np.minimum(np.cumsum(np.append(marks, length)), min(held.frames, HELD_FRAMES))
            ends[-1] = length
            result[held.first : held.last] = np.diff(ends, prepend=0)
    fill = -int(drawn.sum()) % patch
    drawn[-1] += fill
    whole[-1] += fill
    return drawn, whole


def make_pieces(
    reference: Reference, line: Line, config: ModelConfig, predict: Callable[[np.ndarray], np.ndarray]
) -> list[Piece]:
    """The pieces of one sentence: one, or those of its parts where it is too long to be spoken at once.

    Args:
        reference: the voice.
        line: the sentence.
        config: the model's.
        predict: ids -> frames, as `make_prompt` takes them.
    Raises:
        UserError: even a single symbol does not fit beside the reference.
    """
    patch = config.transformer.patch
    drawn = whole = predict(line.ids)
    if line.holds:
        drawn, whole = hold(drawn, line.holds, patch)
    if total_tokens(reference, drawn, patch) * patch > MAX_FRAMES:
        parts = split(line, config)
        if len(parts) > 1:
            return [piece for part in parts for piece in make_pieces(reference, part, config, predict)]
    ends, silences = np.cumsum(drawn), []
    for held in line.holds:
        if held.frames > HELD_FRAMES:
            middle = int(ends[held.last - 1]) - HELD_FRAMES // 2 - alignment_lag(config)
            silences.append((middle, held.frames - HELD_FRAMES))
    prompt = make_prompt(reference, line.ids, drawn, config)
    hidden = (len(prompt.cond) - prompt.start) * patch
    return [Piece(line, prompt, hidden, whole, tuple(silences))]


def split(line: Line, config: ModelConfig) -> list[Line]:
    """A line cut in two: at the pause nearest to its middle, or as `halves` does; a single symbol is one."""
    if line.holds:
        held = min(line.holds, key=lambda held: abs(held.last - len(line.ids) / 2))
        inner = line.ids[1 : held.last - 1], line.ids[held.last : -1]
        ids = [with_pauses(part, config) for part in inner]
        seam = (held.frames // 2, held.frames - held.frames // 2)
    else:
        ids = halves(line.ids, config)
        seam = (SEAM_FRAMES // 2, SEAM_FRAMES // 2)
    if len(ids) == 1:
        return [line]
    left, right = ids
    skipped = len(line.ids) - len(right)
    holds = [h for h in line.holds if h.last < len(left)], [h for h in line.holds if h.first > skipped]
    moved = [replace(h, first=h.first - skipped, last=h.last - skipped) for h in holds[1]]
    return [
        replace(line, ids=left, holds=tuple(holds[0]), tail=seam[0]),
        replace(line, ids=right, holds=tuple(moved), lead=seam[1], start=line.start + skipped),
    ]
