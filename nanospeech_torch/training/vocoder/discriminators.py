"""Small discriminators for the vocoder's adversarial phase, with Vocos's hinge losses (arXiv 2306.00814).

Multi-period: HiFi-GAN (Kong et al., arXiv 2010.05646). Multi-resolution: UnivNet (Jang et al.,
arXiv 2106.07889).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from .loss import stft_magnitude

SLOPE = 0.1


class ConvStack(nn.Module):
    """2-d convolutions. They return a score map and the features of each layer."""

    def __init__(self, channels: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int]):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convs = nn.ModuleList(
            [
                weight_norm(nn.Conv2d(i, o, kernel, stride, padding))
                for i, o in zip(channels[:-1], channels[1:], strict=True)
            ]
        )
        self.score = weight_norm(nn.Conv2d(channels[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
            features.append(x)
        return self.score(x).float(), features


class Discriminators(nn.Module):
    """All discriminators: audio [batch, samples] -> (score maps, features per discriminator)."""

    def __init__(self, periods: tuple[int, ...], resolutions: tuple[tuple[int, int], ...], width: int):
        super().__init__()
        self.periods = periods
        self.resolutions = resolutions
        period_channels = (1, width, 2 * width, 4 * width, 4 * width)
        self.by_period = nn.ModuleList([ConvStack(period_channels, (5, 1), (3, 1)) for _ in periods])
        resolution_channels = (1, width, width, 2 * width, 2 * width)
        self.by_resolution = nn.ModuleList(
            [ConvStack(resolution_channels, (3, 5), (1, 2)) for _ in resolutions]
        )

    def forward(self, wave: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        results = []
        for period, stack in zip(self.periods, self.by_period, strict=True):
            folded = F.pad(wave, (0, -wave.shape[1] % period)).reshape(wave.shape[0], 1, -1, period)
            results.append(stack(folded.contiguous(memory_format=torch.channels_last)))
        for (n_fft, hop), stack in zip(self.resolutions, self.by_resolution, strict=True):
            magnitude = stft_magnitude(wave, n_fft, hop).clamp(min=1e-3).log().unsqueeze(1)
            results.append(stack(magnitude))
        return [score for score, _ in results], [features for _, features in results]


def discriminator_loss(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Hinge loss, mean over discriminators."""
    terms = [F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def generator_loss(fake: list[Tensor]) -> Tensor:
    """Hinge loss of the generator, mean over discriminators."""
    return torch.stack([F.relu(1 - f).mean() for f in fake]).mean()


def feature_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Feature matching: L1 distance of the layers' outputs, mean over layers and discriminators."""
    terms = [
        F.l1_loss(f.float(), r.float())
        for rs, fs in zip(real, fake, strict=True)
        for r, f in zip(rs, fs, strict=True)
    ]
    return torch.stack(terms).mean()
