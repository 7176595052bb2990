"""A vocoder without weights, to evaluate an acoustic model before a vocoder is trained."""

from __future__ import annotations

import numpy as np
import torch

from nanospeech_core.audio.mel import HOP, N_FFT, mel_filterbank

MOMENTUM = 0.99


def griffin_lim(mel: np.ndarray, rounds: int = 60) -> np.ndarray:
    """Log-mel [frames, bins] -> float32 [(frames - 1) * 256] by the fast Griffin-Lim algorithm.

    Griffin and Lim, "Signal estimation from modified short-time Fourier transform" (1984), with the momentum
    of Perraudin, Balazs and Søndergaard, "A fast Griffin-Lim algorithm" (2013), scaled as in torchaudio.
    Magnitudes come from the mel by the filterbank's pseudo-inverse. The initial phases are always the same.
    """
    inverse = torch.linalg.pinv(torch.from_numpy(mel_filterbank().T.astype(np.float64)))
    magnitude = (inverse @ torch.from_numpy(mel).double().exp().T).clamp(min=1e-8).float()
    window = torch.hann_window(N_FFT)
    generator = torch.Generator().manual_seed(0)
    angle = torch.exp(2j * torch.pi * torch.rand(magnitude.shape, generator=generator))
    previous = torch.zeros_like(angle)
    for _ in range(rounds):
        wave = torch.istft(magnitude * angle, N_FFT, HOP, window=window)
        # padded by zeros, since a reflection needs more than half a window of samples
        rebuilt = torch.stft(wave, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
        angle = rebuilt - previous * (MOMENTUM / (1 + MOMENTUM))
        angle = angle / angle.abs().clamp(min=1e-8)
        previous = rebuilt
    return torch.istft(magnitude * angle, N_FFT, HOP, window=window).numpy()
