"""Log-mel spectrograms in numpy: the input of the vocoder and the target of the acoustic model.

24 kHz, 1024-point Fourier transform, hop 256, 100 bins on the HTK mel scale from 0 to 12 kHz, magnitude
(power 1), no area normalization, centred frames with reflect padding, `log(max(x, 1e-5))`: the features that
the public `vocos-mel-24khz` vocoder takes (Siuzdak, "Vocos", arXiv 2306.00814).
"""

from __future__ import annotations

import functools

import numpy as np

from ..errors import UserError

SAMPLE_RATE = 24000
N_FFT = 1024
HOP = 256
N_MELS = 100
F_MIN = 0.0
F_MAX = 12000.0
LOG_FLOOR = 1e-5

_BLOCK_FRAMES = 2048  # bounds the memory of a long recording: 2048 frames of 1024 float32 are 8 MiB


def hann_window(length: int = N_FFT) -> np.ndarray:
    """Periodic Hann window, float32 [length]."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)).astype(np.float32)


@functools.cache
def mel_filterbank(
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    n_mels: int = N_MELS,
    f_min: float = F_MIN,
    f_max: float = F_MAX,
) -> np.ndarray:
    """Triangular filters on the HTK mel scale, peaks at 1: float32 [n_fft // 2 + 1, n_mels], read-only."""
    hz = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    mel_min, mel_max = (2595.0 * np.log10(1.0 + f / 700.0) for f in (f_min, f_max))
    corners = 700.0 * (10.0 ** (np.linspace(mel_min, mel_max, n_mels + 2) / 2595.0) - 1.0)
    width = np.diff(corners)
    rising = (hz[:, None] - corners[None, :-2]) / width[:-1]
    falling = (corners[None, 2:] - hz[:, None]) / width[1:]
    bank = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    bank.setflags(write=False)
    return bank


def log_mel(wave: np.ndarray) -> np.ndarray:
    """Log-mel spectrogram of a 24 kHz mono signal.

    wave: [samples], full scale is 1. Returns float32 [samples // 256 + 1, 100] (natural logarithm).
    Raises UserError when the wave is not one-dimensional, has a value that is not finite, or is no longer
    than the reflect padding (512 samples).
    """
    wave = np.asarray(wave, dtype=np.float32)
    if wave.ndim != 1:
        raise UserError(f"a mel spectrogram needs one channel of audio, not an array of shape {wave.shape}")
    if wave.size <= N_FFT // 2:
        raise UserError(
            f"the audio is too short for a mel spectrogram: {wave.size} samples at {SAMPLE_RATE} Hz, "
            f"at least {N_FFT // 2 + 1} are needed"
        )
    if not np.isfinite(wave).all():
        raise UserError("the audio has samples that are not finite numbers")
    padded = np.pad(wave, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    window, bank = hann_window(), mel_filterbank()
    mel = np.empty((len(frames), N_MELS), dtype=np.float32)
    for start in range(0, len(frames), _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        magnitude = np.abs(np.fft.rfft(frames[block] * window)).astype(np.float32, copy=False)
        mel[block] = np.log(np.maximum(magnitude @ bank, LOG_FLOOR))
    return mel


@functools.cache
def noise_floor(level: float) -> np.ndarray:
    """Log-mel of white noise of the root mean square `level` (full scale is 1), float32 [100], read-only.

    The magnitude of a Fourier coefficient of such noise has a Rayleigh distribution; this is its mean.
    """
    magnitude = level * np.sqrt(np.square(hann_window()).sum() * np.pi / 4)
    floor = np.log(magnitude * mel_filterbank().sum(axis=0))
    floor.setflags(write=False)
    return floor


FRAME_RATE = SAMPLE_RATE / HOP  # 93.75 frames a second
