"""Speech: a waveform with the times of its words and phones."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..audio.files import write
from ..audio.mel import SAMPLE_RATE
from ..audio.player import playing
from ..audio.wav_stream import pcm16, wav_header


class Phone(NamedTuple):
    """A phone, a mark or a pause (" "); seconds since the speech began."""

    text: str
    start: float
    end: float


class Word(NamedTuple):
    """A word as it is written, with the marks around it; seconds since the speech began."""

    text: str
    start: float
    end: float
    phones: tuple[Phone, ...]
    place: tuple[int, int] = (0, 0)  # the characters [start, end) of the text that was given to speak


@dataclass(frozen=True, eq=False)
class Speech:
    """A spoken segment, or a chunk of one; the waves of all, concatenated, are the whole speech.

    The first chunk of a segment has the text, the words and the phones of the segment; the others have none.

    phones: without a gap from the beginning to the end of the wave. Both phones and words are () if the model
    has no durations (config `text.alignment`).
    """

    wave: np.ndarray  # float32 [samples], with the pauses around it
    text: str
    start: float  # of the wave, in seconds since the speech began
    end: float  # of the segment
    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] = ()
    sample_rate: int = SAMPLE_RATE

    def save(self, path: str | os.PathLike) -> None:
        """Write the wave in the format of the suffix: .wav, .flac, .ogg, .opus or .mp3.

        Raises UserError if that is impossible; no half-written file is left.
        """
        write(path, self.wave, self.sample_rate)

    def play(self) -> None:
        """Play the wave, and wait for its end. Raises UserError if this machine cannot play sound."""
        with playing(self.sample_rate) as put:
            put(self.wave)

    def _repr_html_(self) -> str:
        """A player, which Jupyter shows."""
        data = pcm16(self.wave).tobytes()
        encoded = base64.b64encode(wav_header(self.sample_rate, 1, len(data)) + data).decode()
        return f'<audio controls src="data:audio/wav;base64,{encoded}"></audio>'


def join_speech(parts: Sequence[Speech]) -> Speech:
    """All of a text's speech, of its segments or chunks in order; at least one."""
    texts = [part.text for part in parts if part.text]
    return Speech(
        wave=np.concatenate([part.wave for part in parts]),
        text=" ".join(texts),
        start=parts[0].start,
        end=parts[0].start + sum(len(part.wave) for part in parts) / parts[0].sample_rate,
        words=tuple(word for part in parts for word in part.words),
        phones=tuple(phone for part in parts for phone in part.phones),
        sample_rate=parts[0].sample_rate,
    )
