"""Reconstruction losses of the vocoder: log-mel and multi-resolution short-time Fourier transforms.

The mel term is Vocos's (arXiv 2306.00814). The STFT terms are those of Parallel WaveGAN (Yamamoto et al.,
arXiv 1910.11480): spectral convergence and the L1 distance of log-magnitudes, at several resolutions. A mel
does not determine random noise and pulse positions, so under these losses alone envelopes become too smooth
within a frame and buzz at the frame rate. A distance of modulation spectra, after the second order of the
scattering transform (Andén and Mallat, arXiv 1304.6763), rewards the right amount of fluctuation, wherever
it is.

None of these losses depends on phases. A mel does not determine where a pulse is, but it does determine how
fast the phase of a harmonic advances: that is the pitch. So the phase loss compares the phase's advance from
frame to frame, as APNet compares instantaneous frequencies (Ai and Ling, arXiv 2305.07952).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, N_FFT, mel_filterbank

MAGNITUDE_FLOOR = 1e-3  # of an unnormalized transform: about the level of 16-bit quantization noise


def full_precision(device: torch.device) -> torch.autocast:
    """Turn autocast off: 16 bits are not enough for spectra, phases and logarithms of small magnitudes."""
    return torch.autocast(device.type, enabled=False)


def stft(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """Complex [batch, frames, bins] of [batch, samples], 64 bits; Hann window, centered, reflected ends."""
    with full_precision(wave.device):
        window = torch.hann_window(n_fft, device=wave.device)
        return torch.stft(
            wave.float(), n_fft, hop, window=window, center=True, pad_mode="reflect", return_complex=True
        ).transpose(1, 2)


def magnitude(spectrum: Tensor) -> Tensor:
    """Of a complex spectrum, with a finite gradient at zero."""
    return torch.sqrt((spectrum.real.square() + spectrum.imag.square()).clamp(min=1e-14))


def stft_magnitude(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """Magnitudes [batch, frames, bins] of [batch, samples], float32."""
    return magnitude(stft(wave, n_fft, hop))


class LogMel(nn.Module):
    """The differentiable twin of `audio.mel.log_mel`: [batch, samples] -> [batch, frames, 100]."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bank", torch.tensor(mel_filterbank()), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        with full_precision(wave.device):
            return torch.log((stft_magnitude(wave, N_FFT, HOP) @ self.bank).clamp(min=LOG_FLOOR))


def stft_loss(predicted: Tensor, target: Tensor, resolutions: tuple[tuple[int, int], ...]) -> Tensor:
    """Mean over resolutions (n_fft, hop) of log-magnitude L1 and spectral convergence (1910.11480, eq. 4-6).

    The convergence is computed per crop, so that a loud crop does not hide a quiet one.
    """
    total = predicted.new_zeros(())
    for n_fft, hop in resolutions:
        p, t = stft_magnitude(predicted, n_fft, hop), stft_magnitude(target, n_fft, hop)
        distance = torch.linalg.vector_norm(t - p, dim=(1, 2))
        convergence = distance / torch.linalg.vector_norm(t, dim=(1, 2)).clamp(min=1.0)
        log_l1 = F.l1_loss(p.clamp(min=MAGNITUDE_FLOOR).log(), t.clamp(min=MAGNITUDE_FLOOR).log())
        total = total + convergence.mean() + log_l1
    return total / len(resolutions)


def phase_loss(predicted: Tensor, target: Tensor, resolutions: tuple[tuple[int, int], ...]) -> Tensor:
    """1 - cos(error of the phase's advance to the next frame), 0 to 2; mean over resolutions (n_fft, hop).

    Bins are weighted by the square root of the target's magnitude: the phase of noise cannot be predicted,
    and weak harmonics are audible too.
    """
    total = predicted.new_zeros(())
    for n_fft, hop in resolutions:
        p, t = phase_advance(predicted, n_fft, hop), phase_advance(target, n_fft, hop)
        cosine = (p * t.conj()).real / (magnitude(p) * magnitude(t)).clamp(min=1e-12)
        weight = (magnitude(t) - MAGNITUDE_FLOOR**2).clamp(min=0) ** 0.25  # t has two magnitudes' product
        total = total + (weight * (1 - cosine)).sum() / weight.sum().clamp(min=1e-6)
    return total / len(resolutions)


def phase_advance(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """The phase's advance: each frame's spectrum times the conjugate of the one before, complex [batch,
    frames - 1, bins].
    """
    spectrum = stft(wave, n_fft, hop)
    return spectrum[:, 1:] * spectrum[:, :-1].conj()


def modulation_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """L1 distance of log modulation depths: 16 bands, modulation from 35 to 375 Hz in windows of 85 ms."""
    return F.l1_loss(modulation_spectrum(predicted), modulation_spectrum(target))


def modulation_spectrum(wave: Tensor) -> Tensor:
    """Log modulation depths [batch * 16, frames, 30] of [batch, samples] at 24 kHz."""
    fine = stft_magnitude(wave, 128, 32)[..., 1:]  # 750 frames a second
    batch, frames, _ = fine.shape
    bands = fine.reshape(batch, frames, 16, 4).sum(-1).transpose(1, 2)
    envelope = bands.clamp(min=2e-2).log().reshape(batch * 16, frames)
    depth = stft_magnitude(envelope, 64, 16)[..., 3:] / 16.0  # a sine of amplitude 1 has depth 1
    return torch.log(depth + 3e-2)
