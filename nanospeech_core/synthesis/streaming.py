"""Speech that is sounded while its end is still unknown: chunks of a wave that join without a click."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..audio.mel import HOP
from ..config import VocosConfig

OVERLAP = HOP  # samples, in which a chunk gives way to the next


def context_frames(config: VocosConfig) -> int:
    """How many frames on each side of a sample a Vocos hears."""
    convolutions = 3 * (config.num_layers + 1)  # of 7 frames each
    return convolutions + config.n_fft // (2 * config.hop_length)  # and its inverse transform


class Seams:
    """Sounds a mel that becomes known from left to right.

    What is not known yet is there as a draft, so that the vocoder always has something on both sides. The end
    of a chunk, which heard the draft, is held back; it is faded into what the next chunk has in its place.
    """

    def __init__(self, decode: Callable[[np.ndarray], np.ndarray], frames: int, context: int):
        """
        Args:
            decode: log-mel [frames, mel_dim] -> float32 [(frames - 1) * HOP].
            frames: of the whole mel.
            context: of `context_frames`.
        """
        self.decode, self.frames, self.context = decode, frames, context
        self.done = 0  # samples given out
        self.held = np.zeros(0, np.float32)  # those that come next, as the last chunk had them

    def push(self, mel: np.ndarray, known: int) -> np.ndarray:
        """What can be sounded now, float32 [samples]; perhaps nothing.

        Args:
            mel: log-mel of the whole [frames, mel_dim].
            known: how many of its frames are final, from the first on; all: this is the last chunk.
        """
        last = known >= self.frames
        end = (self.frames - 1) * HOP if last else (known - 1) * HOP
        if end - self.done <= (0 if last else OVERLAP):
            return np.zeros(0, np.float32)
        left = max(0, self.done // HOP - self.context)
        right = min(self.frames, known + self.context)
        wave = self.decode(mel[left:right])[self.done - left * HOP : end - left * HOP]
        overlap = min(len(self.held), len(wave))
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(overlap) + 0.5) / max(overlap, 1))).astype(np.float32)
        wave = wave.copy()
        wave[:overlap] = (1 - ramp) * self.held[:overlap] + ramp * wave[:overlap]
        if last:
            self.held = wave[:0]
        else:
            wave, self.held = wave[:-OVERLAP], wave[-OVERLAP:]
        self.done += len(wave)
        return wave
