"""Fades and cross-fades: no clicks, and nothing changes outside of them."""

import numpy as np
import pytest

from nanospeech_core.audio.crossfade import fade, splice


def test_fade_leaves_the_middle_and_the_argument():
    wave = np.full(2000, 0.5, dtype=np.float32)
    both = fade(wave, True, True, seconds=0.005)
    assert both[0] == both[-1] == 0 and (both[120:-120] == 0.5).all()
    assert np.abs(np.diff(both)).max() < 0.01  # no step, where 0.5 to 0 would click
    assert (wave == 0.5).all() and np.array_equal(fade(wave, False, False), wave)
    for rise, fall in ((True, False), (False, True)):
        one = fade(wave, rise, fall)
        assert (one[0], one[-1]) == (0.5 * (not rise), 0.5 * (not fall))
    assert [len(fade(np.ones(n), True, True)) for n in (0, 1, 3)] == [0, 1, 3]


def sine(count: int, phase: float, rate: int = 24000) -> np.ndarray:
    return np.sin(2 * np.pi * 200 * np.arange(count) / rate + phase)


@pytest.mark.parametrize("phase", [0.3, 2.0, 3.1, 5.0])
def test_periods_meet_in_a_cross_fade(phase):
    wave, new = sine(24000, 0.0), sine(12000, phase)
    joined = splice(wave, new, (0.3, 0.5), (0.1, 0.4), 24000)
    assert abs(len(joined) - 24000 - 2400) <= 2 * 144
    steepest = np.abs(np.diff(wave)).max()
    assert np.abs(np.diff(joined)).max() < 1.1 * steepest
    power = np.convolve(np.square(joined), np.ones(120) / 120, "valid")  # of periods
    assert power.min() > 0.45  # no cross-fade cancels itself


@pytest.mark.parametrize("channels", [None, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outside_of_the_cross_fades_nothing_changes(channels, dtype):
    rng = np.random.default_rng(0)
    wave = rng.standard_normal((16000, channels) if channels else 16000).astype(dtype)
    wave -= wave.mean(axis=0)
    new = rng.standard_normal(8000)
    joined = splice(wave, new, (0.25, 0.5), (0.1, 0.3), 16000)
    assert joined.dtype == dtype and joined.shape[1:] == wave.shape[1:]
    assert np.array_equal(joined[: 4000 - 160], wave[: 4000 - 160])
    after = len(wave) - 8000 - 160
    assert np.array_equal(joined[-after:], wave[-after:])
    assert not np.isclose(joined[4000:6000], wave[4000:6000]).all(axis=-1).any()
    start = splice(wave, new, (0.0, 0.5), (0.0, 0.3), 16000)
    assert np.array_equal(start[-after:], wave[-after:])
    np.testing.assert_allclose(
        start.reshape(len(start), -1)[0], new[0], rtol=0.01
    )  # no cross-fade at the start
    end = splice(wave, new, (0.25, None), (0.1, 0.5), 16000)
    assert np.array_equal(end[: 4000 - 160], wave[: 4000 - 160])
    np.testing.assert_allclose(end.reshape(len(end), -1)[-1], new[-1], rtol=0.01)


@pytest.mark.parametrize("channels", [None, 2])
def test_new_speech_gets_the_offset_of_the_old(channels):
    rng = np.random.default_rng(0)
    wave = 0.05 * rng.standard_normal((16000, channels) if channels else 16000)
    offset = 0.3 if channels is None else np.array([0.3, -0.1])
    new = 0.05 * rng.standard_normal(8000)
    joined = splice(wave + offset, new, (0.25, 0.5), (0.1, 0.4), 16000)
    part = joined[4200:8000]
    np.testing.assert_allclose(part.mean(axis=0), offset, atol=0.01)
    np.testing.assert_allclose(part.std(axis=0), 0.05, rtol=0.1)  # a level without the offset
    assert np.array_equal(joined[:3840], (wave + offset)[:3840])


def test_a_channel_of_opposite_phase_stays_opposite():
    rng = np.random.default_rng(0)
    mono = 0.05 * rng.standard_normal(16000)
    new = 0.05 * rng.standard_normal(8000)
    joined = splice(np.stack((mono, -mono), axis=1), new, (0.25, 0.5), (0.1, 0.4), 16000)
    part = joined[4200:8000]
    np.testing.assert_allclose(part[:, 0], -part[:, 1], atol=2e-3)
    assert part.std() == pytest.approx(0.05, rel=0.1)
