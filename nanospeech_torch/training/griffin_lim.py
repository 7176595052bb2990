"""A vocoder that needs no training, to listen to (and to score) an acoustic model before there is one."""

from __future__ import annotations

import numpy as np
import torch

from nanospeech_core.mel import HOP, N_FFT, mel_filterbank


def griffin_lim(mel: np.ndarray, rounds: int = 60) -> np.ndarray:
    """Log-mel [frames, bins] -> float32 [samples] (Griffin & Lim 1984, with momentum 0.99 of Perraudin et al. 2013)."""
    inverse = torch.linalg.pinv(torch.from_numpy(mel_filterbank().T.astype(np.float64)))
    magnitude = (inverse @ torch.from_numpy(np.exp(mel)).double().T).clamp(min=1e-8).float()
    window = torch.hann_window(N_FFT)
    generator = torch.Generator().manual_seed(0)
    angle = torch.exp(2j * torch.pi * torch.rand(magnitude.shape, generator=generator))
    previous = torch.zeros_like(angle)
    for _ in range(rounds):
        wave = torch.istft(magnitude * angle, N_FFT, HOP, window=window)
        rebuilt = torch.stft(wave, N_FFT, HOP, window=window, return_complex=True)
        angle = rebuilt - previous * (0.99 / 1.99)
        angle = angle / angle.abs().clamp(min=1e-8)
        previous = rebuilt
    return torch.istft(magnitude * angle, N_FFT, HOP, window=window).numpy()
