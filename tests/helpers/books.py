"""A stand-in for a model that speaks books at once, and what tests read of audiobooks."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.speech.speech import Phone, Speech, Word
from nanospeech_core.voices.reference import Reference

RATE = 24000


class FakePipeline:
    """A sentence is a tone of 50 ms per word; its pitch depends on its words.

    fails_at: the number of the sentence at which `error` is raised; 0: never.
    """

    sample_rate = RATE
    folder = None
    aligner = None

    def __init__(self, fails_at: int = 0, error: BaseException | None = None):
        self.config = read_config(PRETRAINED)
        self.fails_at, self.error = fails_at, error
        self.spoken: list[str] = []  # the texts that were asked for
        self.voices: set[str | None] = set()
        self.references = self

    def get(self, folder, options, text, config, aligner):
        """As `ReferenceCache.get`: each voice has its own numbers."""
        number = zlib.crc32(str(options.voice).encode())
        return Reference(np.full((4, 100), number, np.float32), np.zeros(1, int), np.zeros(1, int)), "en-us"

    def load(self, *_: object) -> FakePipeline:
        return self

    def speak(self, text, standalone=True, **options):
        assert not standalone
        self.spoken.append(text)
        self.voices.add(options["voice"])
        begin = 0.0
        for sentence in filter(str.strip, text.replace("\n\n", ". ").split(". ")):
            self.fails_at -= 1
            if self.fails_at == 0:
                raise self.error
            wave = tone(sentence)
            end = begin + len(wave) / RATE
            phones = (Phone("a", begin, end),)
            yield Speech(wave, sentence, begin, end, (Word(sentence.split()[0], begin, end, phones),), phones)
            begin = end


def tone(sentence: str) -> np.ndarray:
    """float32 [samples]."""
    times = np.arange(len(sentence.split()) * RATE // 20) / RATE
    return (0.3 * np.sin(2 * np.pi * (200 + zlib.crc32(sentence.encode()) % 400) * times)).astype(np.float32)


def decoded(path: Path) -> np.ndarray:
    """The samples of a file's audio, float32 [samples] at 24 kHz."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", "mono", RATE)
        frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
