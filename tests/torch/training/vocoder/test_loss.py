"""The vocoder's losses: what they depend on, what they ignore, and in which precision."""

import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel

torch = pytest.importorskip("torch")

from nanospeech_torch.training.vocoder.loss import (
    LogMel,
    modulation_loss,
    modulation_spectrum,
    phase_loss,
    stft_loss,
    stft_magnitude,
)

RESOLUTIONS = ((256, 64), (512, 128))


def voiced(rows=2, samples=4096):
    """Harmonics of 120 Hz and up: float32 [rows, samples]."""
    time = torch.arange(samples) / SAMPLE_RATE
    pitches = 120.0 + 30.0 * torch.arange(rows)[:, None]
    return sum(0.2 / k * torch.sin(2 * np.pi * k * pitches * time) for k in (1, 2, 3))


def test_torch_mel_is_the_core_mel():
    wave = np.random.default_rng(0).normal(scale=0.1, size=(2, 6000)).astype(np.float32)
    ours = LogMel()(torch.from_numpy(wave)).numpy()
    for row, expected in zip(ours, map(log_mel, wave), strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_stft_loss_is_zero_for_the_same_and_has_finite_gradients_in_silence():
    wave = voiced()
    assert float(stft_loss(wave, wave, RESOLUTIONS)) == 0.0
    assert float(stft_loss(0.5 * wave, wave, RESOLUTIONS)) > 0.5  # convergence alone is exactly 0.5
    silent = torch.zeros_like(wave).requires_grad_()
    stft_loss(silent, wave, RESOLUTIONS).backward()
    assert torch.isfinite(silent.grad).all()


def test_phase_loss_depends_on_the_pitch_but_not_on_where_the_pulses_are():
    time = torch.arange(8192) / SAMPLE_RATE

    def tone(pitch, shift=0.0, level=0.3):
        return level * torch.sin(2 * np.pi * (pitch * time + shift))[None]

    hops = ((1024, 256),)
    assert float(phase_loss(tone(200.0), tone(200.0), hops)) < 1e-5
    shifted = float(phase_loss(tone(200.0, 0.3, 0.1), tone(200.0), hops))
    off = [float(phase_loss(tone(200.0 + more), tone(200.0), hops)) for more in (5.0, 10.0, 20.0)]
    angles = 2 * np.pi * np.array([5.0, 10.0, 20.0]) * 256 / SAMPLE_RATE  # the error of a hop in radians
    assert shifted < 0.08  # all of it at the reflected ends
    np.testing.assert_allclose(off, 1 - np.cos(angles), atol=0.1)
    silent = torch.zeros(1, 8192, requires_grad=True)
    phase_loss(silent, tone(200.0), hops).backward()
    phase_loss(tone(200.0), silent, hops).backward()
    assert torch.isfinite(silent.grad).all()


def test_modulation_loss_depends_on_buzz_but_not_on_the_sample_of_a_noise():
    rng = np.random.default_rng(0)
    noise, other = (torch.from_numpy(0.1 * rng.normal(size=(2, 14336)).astype(np.float32)) for _ in range(2))
    time = torch.arange(14336) / SAMPLE_RATE
    buzz = noise * (1 + 0.8 * torch.sin(2 * np.pi * 93.75 * time))
    assert float(modulation_loss(noise, noise)) == 0.0
    assert float(modulation_loss(buzz, other)) > 1.03 * float(modulation_loss(noise, other))
    depths = modulation_spectrum(buzz).mean(dim=(0, 1)) - modulation_spectrum(noise).mean(dim=(0, 1))
    assert 3 + int(depths.argmax()) == 8  # 93.75 Hz in steps of 750 / 64 Hz
    silent = torch.zeros(2, 14336, requires_grad=True)
    modulation_loss(silent, noise).backward()
    assert torch.isfinite(silent.grad).all()


def test_autocast_changes_no_spectrum():
    wave = voiced()
    mel = LogMel()
    expected = stft_magnitude(wave, 512, 128), mel(wave), stft_loss(0.9 * wave, wave, RESOLUTIONS)
    with torch.autocast("cpu", torch.bfloat16):
        found = stft_magnitude(wave, 512, 128), mel(wave), stft_loss(0.9 * wave, wave, RESOLUTIONS)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32 and torch.equal(ours, theirs)
