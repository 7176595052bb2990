"""Level, and the silence at the ends of a waveform."""

import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.audio.signal import match_level, trim_silence

RATE = SAMPLE_RATE


def tone(seconds: float = 1.0, rate: int = RATE, frequency: float = 440.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def test_trim_silence():
    silence = np.zeros(RATE, dtype=np.float32)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    for quiet in (silence, noise):
        trimmed = trim_silence(np.concatenate([quiet, tone(), quiet]), keep_seconds=0.05)
        assert len(trimmed) == pytest.approx(1.1 * RATE, abs=RATE // 50)
    assert len(trim_silence(silence)) == 0
    assert len(trim_silence(silence[:0])) == 0
    assert np.array_equal(trim_silence(tone()), tone())


def test_match_level():
    rms = lambda wave: np.sqrt(np.mean(wave**2))  # noqa: E731
    assert rms(match_level(tone(level=0.01), 0.1)) == pytest.approx(0.1, rel=1e-3)
    assert rms(match_level(tone(level=0.9), 0.1)) == pytest.approx(0.1, rel=1e-3)
    click = np.zeros(RATE, dtype=np.float32)
    click[100] = 0.1
    assert np.abs(match_level(click, 0.1)).max() == pytest.approx(0.99)  # the peak stands against it
    assert not match_level(np.zeros(10, dtype=np.float32)).any()
    assert len(match_level(np.zeros(0, dtype=np.float32))) == 0
