"""The log-mel spectrogram, against its definition computed the slow way and against closed forms."""

import numpy as np
import pytest

from nanospeech_core.audio.mel import (
    HOP,
    N_FFT,
    N_MELS,
    SAMPLE_RATE,
    hann_window,
    log_mel,
    mel_filterbank,
    noise_floor,
)
from nanospeech_core.errors import UserError


def hz_to_mel(hz):
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def centre_hz(bin_index):
    step = hz_to_mel(12000.0) / (N_MELS + 1)
    return 700.0 * (10.0 ** (step * (bin_index + 1) / 2595.0) - 1.0)


def tone(hz, seconds=0.5, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(
        np.float32
    )


def test_one_frame_by_the_definition():
    wave = np.random.default_rng(0).normal(scale=0.1, size=3000)
    mel = log_mel(wave)
    frame = 5
    n = np.arange(N_FFT)
    piece = wave[frame * HOP - N_FFT // 2 + n] * np.sin(np.pi * n / N_FFT) ** 2
    magnitude = [abs(np.sum(piece * np.exp(-2j * np.pi * k * n / N_FFT))) for k in range(N_FFT // 2 + 1)]
    for b in (0, 1, 17, 60, 99):
        low, middle, high = centre_hz(b - 1), centre_hz(b), centre_hz(b + 1)
        energy = 0.0
        for k, value in enumerate(magnitude):
            hz = k * SAMPLE_RATE / N_FFT
            energy += value * max(0.0, min((hz - low) / (middle - low), (high - hz) / (high - middle)))
        assert mel[frame, b] == pytest.approx(np.log(max(energy, 1e-5)), abs=1e-4)


@pytest.mark.parametrize("samples", [513, 1024, 5119, 5120, 24000, 24001])
def test_frame_count(samples):
    mel = log_mel(np.zeros(samples))
    assert mel.shape == (samples // 256 + 1, 100) and mel.dtype == np.float32


def test_edges_reflect():
    wave = np.random.default_rng(1).normal(size=4096).astype(np.float32)
    mirrored = np.concatenate([wave[1:1025][::-1], wave])  # its frame 4 is centred on the wave's first sample
    np.testing.assert_allclose(log_mel(mirrored)[4], log_mel(wave)[0], atol=1e-4)


@pytest.mark.parametrize("bin_index", [20, 50, 80, 95])
def test_a_tone_peaks_in_its_bin(bin_index):
    mel = log_mel(tone(centre_hz(bin_index)))
    assert set(mel[5:-5].argmax(axis=1)) == {bin_index}


def test_silence_is_the_floor():
    np.testing.assert_array_equal(log_mel(np.zeros(2000)), np.float32(np.log(1e-5)))


def test_ten_times_louder_is_log_ten():
    quiet, loud = log_mel(tone(440, amplitude=0.05)), log_mel(tone(440, amplitude=0.5))
    audible = quiet > -6
    assert audible.sum() > 100
    np.testing.assert_allclose((loud - quiet)[audible], np.log(10), atol=1e-2)


def test_long_audio_in_blocks_is_the_same_as_in_one():
    wave = np.random.default_rng(2).normal(size=HOP * 2100).astype(np.float32)
    np.testing.assert_allclose(log_mel(wave)[2040:2060], log_mel(wave[HOP * 2000 :])[40:60], atol=1e-5)


def test_filters_are_triangles_that_sum_to_one():
    bank = mel_filterbank()
    assert bank.shape == (513, 100) and bank.dtype == np.float32 and bank.min() == 0.0 and bank.max() <= 1.0
    hz = np.linspace(0, 12000, 513)
    between = (hz >= centre_hz(0)) & (hz <= centre_hz(99))
    np.testing.assert_allclose(bank[between].sum(axis=1), 1.0, atol=1e-5)
    assert mel_filterbank() is bank and not bank.flags.writeable


def test_window_is_periodic():
    window = hann_window(8)
    np.testing.assert_allclose(window + np.roll(window, 4), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("wave", "words"),
    [
        (np.zeros(512), "too short"),
        (np.zeros(0), "too short"),
        (np.zeros((2, 2000)), "one channel"),
        (np.full(2000, np.nan), "not finite"),
    ],
)
def test_bad_audio(wave, words):
    with pytest.raises(UserError, match=words):
        log_mel(wave)


def test_the_floor_is_the_mean_of_white_noise():
    noise = (0.01 * np.random.default_rng(0).standard_normal(20 * SAMPLE_RATE)).astype(np.float32)
    np.testing.assert_allclose(np.log(np.exp(log_mel(noise)).mean(axis=0)), noise_floor(0.01), atol=0.05)
    np.testing.assert_allclose(noise_floor(0.02) - noise_floor(0.01), np.log(2), atol=1e-5)
