"""Vocos: from a log-mel spectrogram to a waveform through one inverse short-time Fourier transform.

Siuzdak, "Vocos: Closing the gap between time-domain and Fourier-based neural vocoders for high-quality audio
synthesis", arXiv 2306.00814. Parameter names are those of the original 24 kHz mel model. Channels-last.
"""

from __future__ import annotations

import functools
import math

import mlx.core as mx
import numpy as np
from mlx import nn

from ..device.halves import in_halves
from .activations import LayerNorm, Linear, gelu, polar
from .layers import Conv1d, gated

MAX_MAGNITUDE = 1e2  # the original's guard against an exploding exponential
REACH = 3  # frames that a convolution reads on each side
ALL = slice(None)


def inner_frames(before: bool, after: bool) -> slice:
    """The output of a convolution that is right although there are frames before or after its input."""
    return slice(REACH if before else None, -REACH if after else None)


def overlap_add(frames: mx.array, hop_length: int) -> mx.array:
    """Sum of frames shifted by one hop each: [..., count, length] -> [..., (count - 1) * hop + length].

    The length is a multiple of the hop, so that the sum is of `length / hop` shifted blocks.
    """
    *lead, count, length = frames.shape
    shifts = length // hop_length
    blocks = frames.reshape(*lead, count, shifts, hop_length)
    whole = [(0, 0)] * len(lead)
    shifted = [mx.pad(blocks[..., k, :], [*whole, (k, shifts - 1 - k), (0, 0)]) for k in range(shifts)]
    total = sum(shifted[1:], shifted[0])
    return total.reshape(*lead, (count + shifts - 1) * hop_length)


@functools.lru_cache(4)
def windows(n_fft: int, hop_length: int) -> tuple[mx.array, mx.array]:
    """Hann's window [n_fft], and its squares in blocks, [n_fft / hop_length, hop_length]."""
    window = (0.5 - 0.5 * np.cos(2 * math.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    return mx.array(window), mx.array(np.square(window).reshape(-1, hop_length))


class ConvNeXtBlock(nn.Module):
    """ConvNeXt block in one dimension with layer scale `gamma`; [batch, frames, dim] -> the same.

    `inner`: see `VocosBackbone`.
    """

    def __init__(self, dim: int, intermediate_dim: int, layer_scale: float):
        super().__init__()
        self.dwconv = Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = LayerNorm(dim, eps=1e-6)
        self.pwconv1 = Linear(dim, intermediate_dim)
        self.pwconv2 = Linear(intermediate_dim, dim)
        self.gamma = mx.full((dim,), layer_scale)

    def __call__(self, x: mx.array, mask: mx.array | None = None, inner: slice = ALL) -> mx.array:
        h = self.dwconv(x if mask is None else x * mask[..., None])[:, inner]

        def frame_by_frame(x: mx.array, h: mx.array) -> mx.array:
            return gated(x, self.gamma, self.pwconv2(gelu(self.pwconv1(self.norm(h)))))

        return in_halves(frame_by_frame, x[:, inner], h)


class VocosBackbone(nn.Module):
    """[batch, frames, input_channels] -> [batch, frames, dim]; mask bool [batch, frames] or None.

    inner: the frames that each convolution keeps, of `inner_frames`. Only without a mask.
    """

    def __init__(self, input_channels: int, dim: int, intermediate_dim: int, num_layers: int):
        super().__init__()
        self.embed = Conv1d(input_channels, dim, 7, padding=3)
        self.norm = LayerNorm(dim, eps=1e-6)
        self.convnext = [ConvNeXtBlock(dim, intermediate_dim, 1 / num_layers) for _ in range(num_layers)]
        self.final_layer_norm = LayerNorm(dim, eps=1e-6)

    def __call__(self, x: mx.array, mask: mx.array | None = None, inner: slice = ALL) -> mx.array:
        x = (x if mask is None else x * mask[..., None]).astype(self.embed.bias.dtype)
        x = self.norm(self.embed(x)[:, inner])
        for block in self.convnext:
            x = block(x, mask, inner)
        return self.final_layer_norm(x)


class ISTFTHead(nn.Module):
    """Log-magnitude and phase from one linear layer, inverse transform: [batch, frames, dim] -> audio."""

    def __init__(self, dim: int, n_fft: int, hop_length: int):
        super().__init__()
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.out = Linear(dim, n_fft + 2)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = x.astype(mx.float32)  # the phases of the spectrum need it

        def spectrum(x: mx.array) -> mx.array:
            log_magnitude, phase = mx.split(self.out(x), 2, axis=-1)
            return polar(log_magnitude, phase, MAX_MAGNITUDE)

        return self.istft(in_halves(spectrum, x), mask)

    def istft(self, spectrum: mx.array, mask: mx.array | None = None) -> mx.array:
        """Complex [batch, frames, n_fft / 2 + 1] -> float32 [batch, (frames - 1) * hop_length].

        mask: bool [batch, frames], false where padded; the audio is undefined there.
        """
        n_fft, hop, count = self.n_fft, self.hop_length, spectrum.shape[1]
        window, squares = windows(n_fft, hop)
        frames = mx.fft.irfft(spectrum, n=n_fft) * window
        # The sum of the windows' squares, [..., blocks of a hop, hop]: which frames reach a block, and how.
        reach = mx.ones((1, count)) if mask is None else mask.astype(mx.float32)
        if mask is not None:
            frames = frames * mask[..., None]
        shifts = n_fft // hop
        reach = mx.stack([mx.pad(reach, [(0, 0), (k, shifts - 1 - k)]) for k in range(shifts)], axis=-1)
        envelope = (reach @ squares).reshape(len(reach), -1)
        if mask is not None:
            envelope = mx.maximum(envelope, 1e-6)
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

    def __call__(self, mel: mx.array, mask: mx.array | None = None, inner: slice = ALL) -> mx.array:
        return self.head(self.backbone(mel, mask, inner), mask)
