"""Level, and the silence at the ends of a waveform."""

import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.audio.signal import (
    longest_silence,
    match_level,
    mix,
    sound_begin,
    sound_end,
    to_model_without_offset,
    trim_silence,
    true_runs,
    without_offset,
)

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


def test_channels_that_cancel_out():
    left, right = tone(), tone(frequency=990.0)
    assert np.array_equal(mix(left), left)
    np.testing.assert_allclose(mix(np.stack((left, right), axis=1)), (left + right) / 2)
    np.testing.assert_allclose(mix(np.stack((left, 0 * left), axis=1)), left / 2)
    for other in (-left, -0.6 * left):
        assert np.array_equal(mix(np.stack((left, other), axis=1)), left)
        assert np.array_equal(np.abs(mix(np.stack((other, left), axis=1))), np.abs(left))


def test_an_offset_is_no_sound():
    wave = tone(frequency=80.0)
    for below in (np.full(RATE, 0.3), 0.3 * np.sin(2 * np.pi * 5 * np.arange(RATE) / RATE)):
        np.testing.assert_allclose(without_offset(wave + below), wave, atol=1e-3)


def test_where_sound_is():
    wave = np.concatenate((np.zeros(RATE), tone(), np.zeros(2 * RATE), tone(), np.zeros(RATE))).astype(
        np.float32
    )
    assert (sound_begin(wave), sound_end(wave)) == pytest.approx((RATE, 5 * RATE), abs=240)
    assert longest_silence(wave) == pytest.approx(np.array([2 * RATE, 4 * RATE]), abs=120)
    assert sound_begin(wave[:RATE]) == sound_end(wave[:RATE]) == 0
    assert longest_silence(tone()).tolist() == [0, 0]
    assert true_runs(np.array([True, False, True, True])).tolist() == [[0, 1], [2, 4]]


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_an_offset_leaves_no_click_at_any_rate(rate):
    assert np.abs(to_model_without_offset(np.full((2 * rate, 2), 0.2), rate)).max() < 1e-3
