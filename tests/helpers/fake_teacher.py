"""A teacher for tests: tones in place of speech. Worker processes import it."""

import numpy as np

UNIT = 600


class FakeTeacher:
    """Each symbol lasts two units, and a pause of one is on either side."""

    def __init__(self, off: int = 0):
        self.off = off  # samples too many

    def speak(self, symbols: str, voice: str) -> tuple[np.ndarray, list[int]]:
        durations = [1, *[2] * len(symbols), 1]
        time = np.arange(sum(durations) * UNIT + self.off) / 24000
        return (0.3 * np.sin(2 * np.pi * (200 + len(voice)) * time)).astype(np.float32), durations
