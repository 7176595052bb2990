"""Utterances: entries of the corpus index with their audio decoded to mels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from nanospeech_core.audio.mel import HOP, N_FFT, SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError

from .corpus import TOLERANCE, IndexEntry, Skip, read_wave


@dataclass(frozen=True)
class Utterance:
    """One recording with its text. `load_utterance` makes it from an `IndexEntry`."""

    key: str
    voice: str
    text: str
    mel: np.ndarray  # float16 [frames, bins], not normalized
    ids: np.ndarray  # int64 [symbols]
    durations: np.ndarray  # int64 [symbols], in frames; their sum is the mel's length; empty with "filler"


class UtteranceDataset:
    """The utterances of a corpus index, by their position in it.

    Args:
        entries: the index.
        memory_hours: a corpus of at most this length is decoded now and kept in memory; utterances that
            cannot be decoded are removed from `entries`. A larger corpus is decoded on access.
        report: called with a line of text.
    Raises:
        UserError: no utterance can be decoded.
    """

    def __init__(
        self,
        entries: list[IndexEntry],
        memory_hours: float,
        report: Callable[[str], object] = print,
    ) -> None:
        self.entries = entries
        self.loaded: list[Utterance] | None = None
        if sum(entry.samples for entry in entries) <= memory_hours * 3600 * SAMPLE_RATE:
            with ThreadPoolExecutor() as pool:  # decoding and FFTs release Python's lock
                results = list(pool.map(self._load, entries))
            self.entries = [e for e, r in zip(entries, results, strict=True) if isinstance(r, Utterance)]
            self.loaded = [r for r in results if isinstance(r, Utterance)]
            broken = Counter(str(r) for r in results if isinstance(r, Skip))
            for reason, count in sorted(broken.items()):
                report(f"skipped {count}: {reason}")
            if not self.entries:
                raise UserError(f"no data: all utterances were skipped ({', '.join(sorted(broken))})")

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Utterance:
        """Raises Skip if the audio cannot be decoded."""
        if self.loaded is not None:
            return self.loaded[index]
        return load_utterance(self.entries[index])

    def _load(self, entry: IndexEntry) -> Utterance | Skip:
        try:
            return load_utterance(entry)
        except Skip as reason:
            return reason


def load_utterance(entry: IndexEntry) -> Utterance:
    """Decode the audio of an entry. Raises Skip if it is broken or not as long as its json says."""
    wave = read_wave(entry.location.read(), math.inf)
    if abs(len(wave) - entry.samples) > TOLERANCE * SAMPLE_RATE:
        raise Skip("audio of another length than its json says")
    if len(wave) <= N_FFT // 2:  # too few for a mel
        raise Skip("too short")
    mel = log_mel(wave)
    # a codec may add or remove a few samples: make the mel as long as the index says
    mel = np.pad(mel[: entry.frames], ((0, max(0, entry.frames - len(mel))), (0, 0)), mode="edge")
    durations = np.zeros(0, dtype=np.int64)
    if entry.durations is not None:
        durations = durations_in_frames(entry.durations, entry.frames)
    ids = entry.ids.astype(np.int64)
    return Utterance(entry.key, entry.voice, entry.text, mel.astype(np.float16), ids, durations)


def durations_in_frames(durations: np.ndarray, frames: int) -> np.ndarray:
    """Durations in whole frames, int64 [symbols]. The boundaries are rounded; the last is the mel's end.

    Args:
        durations: float32 [symbols], in samples.
        frames: the length of the mel.
    """
    ends = np.round(np.cumsum(durations, dtype=np.float64) / HOP).astype(np.int64)
    ends = np.minimum(ends, frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)
