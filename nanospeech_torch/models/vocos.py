"""Vocos: from a log-mel spectrogram to a waveform through one inverse short-time Fourier transform.

Siuzdak, "Vocos: Closing the gap between time-domain and Fourier-based neural vocoders for high-quality audio
synthesis", arXiv 2306.00814. Parameter names are those of the original 24 kHz mel model. Channels-last.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Conv1d, gated

MAX_MAGNITUDE = 1e2  # the original's guard against an exploding exponential
REACH = 3  # frames that a convolution reads on each side
ALL = slice(None)


def inner_frames(before: bool, after: bool) -> slice:
    """The output of a convolution that is right although there are frames before or after its input."""
    return slice(REACH if before else None, -REACH if after else None)


def overlap_add(frames: Tensor, hop_length: int) -> Tensor:
    """Sum of frames shifted by one hop each: [..., count, length] -> [..., (count - 1) * hop + length].

    The length is a multiple of the hop, so that the sum is of `length / hop` shifted blocks.
    """
    *lead, count, length = frames.shape
    shifts = length // hop_length
    blocks = frames.reshape(*lead, count, shifts, hop_length)
    shifted = [F.pad(blocks[..., k, :], (0, 0, k, shifts - 1 - k)) for k in range(shifts)]
    total = sum(shifted[1:], shifted[0])
    return total.reshape(*lead, (count + shifts - 1) * hop_length)


def windows(n_fft: int, hop_length: int) -> tuple[Tensor, Tensor]:
    """Hann's window [n_fft], and its squares in blocks, [n_fft / hop_length, hop_length]."""
    window = 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(n_fft, dtype=torch.float32) / n_fft)
    return window, (window * window).reshape(-1, hop_length)


class ConvNeXtBlock(nn.Module):
    """ConvNeXt block in one dimension with layer scale `gamma`; [batch, frames, dim] -> the same.

    `inner`: see `VocosBackbone`.
    """

    def __init__(self, dim: int, intermediate_dim: int, layer_scale: float):
        super().__init__()
        self.dwconv = Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, intermediate_dim)
        self.pwconv2 = nn.Linear(intermediate_dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor, mask: Tensor | None = None, inner: slice = ALL) -> Tensor:
        h = self.norm(self.dwconv(x if mask is None else x * mask[..., None])[:, inner])
        h = self.pwconv2(F.gelu(self.pwconv1(h)))
        return gated(x[:, inner], self.gamma, h)


class VocosBackbone(nn.Module):
    """[batch, frames, input_channels] -> [batch, frames, dim]; mask bool [batch, frames] or None.

    inner: the frames that each convolution keeps, of `inner_frames`. Only without a mask.
    """

    def __init__(self, input_channels: int, dim: int, intermediate_dim: int, num_layers: int):
        super().__init__()
        self.embed = Conv1d(input_channels, dim, 7, padding=3)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.convnext = nn.ModuleList(
            [ConvNeXtBlock(dim, intermediate_dim, 1 / num_layers) for _ in range(num_layers)]
        )
        self.final_layer_norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor | None = None, inner: slice = ALL) -> Tensor:
        x = self.norm(self.embed(x if mask is None else x * mask[..., None])[:, inner])
        for block in self.convnext:
            x = block(x, mask, inner)
        return self.final_layer_norm(x)


class ISTFTHead(nn.Module):
    """Log-magnitude and phase from one linear layer, inverse transform: [batch, frames, dim] -> audio."""

    def __init__(self, dim: int, n_fft: int, hop_length: int):
        super().__init__()
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.out = nn.Linear(dim, n_fft + 2)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        log_magnitude, phase = self.out(x).float().chunk(2, dim=-1)
        magnitude = torch.clamp(torch.exp(log_magnitude), max=MAX_MAGNITUDE)
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        return self.istft(spectrum, mask)

    def istft(self, spectrum: Tensor, mask: Tensor | None = None) -> Tensor:
        """Complex [batch, frames, n_fft / 2 + 1] -> float32 [batch, (frames - 1) * hop_length].

        mask: bool [batch, frames], false where padded; the audio is undefined there.
        """
        n_fft, hop = self.n_fft, self.hop_length
        window, squares = (part.to(spectrum.device) for part in windows(n_fft, hop))
        frames = torch.fft.irfft(spectrum, n=n_fft) * window
        reach = squares.reshape(-1).expand(1, spectrum.shape[1], n_fft)
        if mask is not None:
            frames, reach = frames * mask[..., None], reach * mask[..., None]
        envelope = overlap_add(reach, hop)
        if mask is not None:
            envelope = envelope.clamp(min=1e-6)
        trim = slice(n_fft // 2, -(n_fft // 2))
        return overlap_add(frames, hop)[:, trim] / envelope[:, trim]


class Vocos(nn.Module):
    """Log-mel [batch, frames, input_channels] -> float32 audio [batch, (frames - 1) * hop_length].

    With a mask, bool [batch, frames], false where padded, an utterance sounds the same alone and in a batch;
    its audio ends where that of its own frames would.

    Raises ValueError when `n_fft` is not an even multiple of `hop_length`.
    """

    def __init__(
        self,
        input_channels: int = 100,
        dim: int = 256,
        intermediate_dim: int = 768,
        num_layers: int = 8,
        n_fft: int = 1024,
        hop_length: int = 256,
    ):
        super().__init__()
        if n_fft % (2 * hop_length):
            raise ValueError(f"n_fft {n_fft} is not an even multiple of hop_length {hop_length}")
        self.backbone = VocosBackbone(input_channels, dim, intermediate_dim, num_layers)
        self.head = ISTFTHead(dim, n_fft, hop_length)

    def forward(self, mel: Tensor, mask: Tensor | None = None, inner: slice = ALL) -> Tensor:
        return self.head(self.backbone(mel, mask, inner), mask)
