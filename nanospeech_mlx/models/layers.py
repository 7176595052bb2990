"""The small parts of the transformers. Channels last: [batch, frames, channels].

Architecture and parameter names are those of Nanospeech, after F5-TTS (arXiv 2410.06885). Sequences of layers
are plain lists, since `nn.Sequential` would put `.layers.` into the names.
"""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
from mlx import nn

from nanospeech_core.sampling.timesteps import time_frequencies

from ..device import kernels
from ..device.constants import known_sinusoids, sinusoids
from ..device.halves import in_halves
from ..device.kernels import fused
from .activations import GELU, LayerNorm, Linear, Mish, SiLU, gelu, layer_norm, silu


@fused
def modulate(x: mx.array, shift: mx.array, scale: mx.array) -> mx.array:
    """x (1 + scale) + shift, in one kernel."""
    return x * (1 + scale) + shift


@fused
def gated(x: mx.array, gate: mx.array, h: mx.array) -> mx.array:
    """The residual sum x + gate h, in one kernel."""
    return x + gate * h


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` for [batch, frames, in] -> [batch, frames, out]. Weights are [out, kernel, in / groups].

    A depthwise convolution (a kernel for each channel) is computed in the way that is fastest in MLX.
    """

    def __call__(self, x: mx.array) -> mx.array:
        if self.groups != x.shape[-1] or self.groups != len(self.weight):
            return super().__call__(x)
        x = mx.pad(x, [(0, 0), (self.padding, self.padding), (0, 0)])  # a GPU's fast kernel takes no padding
        if kernels.on_gpu():
            return mx.conv1d(x, self.weight, groups=self.groups) + self.bias
        size = self.weight.shape[1]  # MLX's own convolution takes 4 times as long on a CPU
        frames, taps = x.shape[1] - size + 1, self.weight[:, :, 0].T
        return sum((x[:, k : k + frames] * taps[k] for k in range(size)), self.bias)


class GRN(nn.Module):
    """Global response normalization over the frames (ConvNeXt V2, arXiv 2301.00808, eq. 1-3)."""

    def __init__(self, dim: int):
        super().__init__()
        self.gamma = mx.zeros((1, 1, dim))
        self.beta = mx.zeros((1, 1, dim))

    def __call__(self, x: mx.array) -> mx.array:
        # in float32: a sum over frames overflows float16
        norm = x.astype(mx.float32).square().sum(1, keepdims=True).sqrt()
        response = (norm / (norm.mean(-1, keepdims=True) + 1e-6)).astype(x.dtype)
        return self.gamma * (x * response) + self.beta + x


class ConvNeXtV2Block(nn.Module):
    """ConvNeXt V2 block (arXiv 2301.00808) in one dimension, kernel 7."""

    def __init__(self, dim: int, intermediate_dim: int):
        super().__init__()
        self.dwconv = Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = LayerNorm(dim, eps=1e-6)
        self.pwconv1 = Linear(dim, intermediate_dim)
        self.grn = GRN(intermediate_dim)
        self.pwconv2 = Linear(intermediate_dim, dim)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [batch, frames, dim]; mask bool [batch, frames], false where padded. The output is zero there."""
        if mask is not None:
            x = x * mask[..., None]
        h = in_halves(lambda rows: gelu(self.pwconv1(self.norm(rows))), self.dwconv(x))
        if mask is not None:
            h = h * mask[..., None]
        x = x + self.pwconv2(self.grn(h))
        return x if mask is None else x * mask[..., None]


class ConvPositionEmbedding(nn.Module):
    """Relative positions from two grouped convolutions (wav2vec 2.0, arXiv 2006.11477, as in F5-TTS)."""

    def __init__(self, dim: int, kernel_size: int = 31, groups: int = 16):
        super().__init__()
        self.conv1d: list[Callable[[mx.array], mx.array]] = [
            Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=groups),
            Mish(),
            Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=groups),
            Mish(),
        ]

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [batch, tokens, dim]; mask bool [batch, tokens] or None."""
        for layer in self.conv1d:
            x = layer(x if mask is None else x * mask[..., None])
        return x


class TimestepEmbedding(nn.Module):
    """Flow time in [0, 1] -> [batch, dim]: sinusoids of 1000 t, then two linear layers."""

    def __init__(self, dim: int, freq_embed_dim: int = 256):
        super().__init__()
        self.freq_embed_dim = freq_embed_dim
        self.time_mlp = [nn.Linear(freq_embed_dim, dim), SiLU(), nn.Linear(dim, dim)]

    def __call__(self, time: mx.array) -> mx.array:
        half = self.freq_embed_dim // 2
        freqs = mx.array(time_frequencies(half, half - 1))
        angles = 1000 * time[:, None] * freqs[None]
        sinusoids = mx.concatenate([mx.sin(angles), mx.cos(angles)], axis=-1)
        up, silu, down = self.time_mlp
        return down(silu(up(sinusoids.astype(up.bias.dtype))))


class FeedForward(nn.Module):
    """Linear, tanh-approximated GELU, linear."""

    def __init__(self, dim: int, mult: int = 4):
        super().__init__()
        self.ff = [
            [Linear(dim, dim * mult), GELU()],
            nn.Identity(),
            Linear(dim * mult, dim),
        ]

    def __call__(self, x: mx.array) -> mx.array:
        (up, gelu), _, down = self.ff
        return in_halves(lambda rows: down(gelu(up(rows))), x)


class AdaLayerNorm(nn.Module):
    """Layer norm whose `chunks` modulations come from the time embedding (adaLN of DiT, arXiv 2212.09748).

    `modulation` depends on time only, so at a fixed time it is computed once.
    """

    def __init__(self, dim: int, chunks: int):
        super().__init__()
        self.dim, self.chunks = dim, chunks
        self.linear = nn.Linear(dim, dim * chunks)

    def modulation(self, t: mx.array) -> mx.array:
        """t [batch, dim] -> [chunks, batch, 1, dim]."""
        h = self.linear(silu(t))
        return h.reshape(-1, 1, self.chunks, self.dim).transpose(2, 0, 1, 3)

    def __call__(self, x: mx.array, shift: mx.array, scale: mx.array) -> mx.array:
        return modulate(layer_norm(x), shift, scale)


class TextEmbedding(nn.Module):
    """Ids -> features, one per mel frame: embedding, sinusoidal positions, ConvNeXt V2 blocks."""

    def __init__(self, text_num_embeds: int, text_dim: int, conv_layers: int = 0, conv_mult: int = 2):
        super().__init__()
        self.text_dim = text_dim
        self.text_embed = nn.Embedding(text_num_embeds + 1, text_dim)  # 0 is the filler
        if conv_layers > 0:
            self.text_blocks: list[ConvNeXtV2Block] | None = [
                ConvNeXtV2Block(text_dim, text_dim * conv_mult) for _ in range(conv_layers)
            ]
        else:
            self.text_blocks = None

    def __call__(
        self, text: mx.array, frames: int, drop: mx.array | None = None, mask: mx.array | None = None
    ) -> mx.array:
        """The features [batch, frames, text_dim].

        Args:
            text: int32 [batch, symbols]: ids, -1 for none. Cut or padded to `frames`.
            frames: how many mel frames.
            drop: bool [batch], true for rows without any text (guidance), or None.
            mask: bool [batch, frames], false where padded, or None.
        """
        text = mx.pad(text[:, :frames] + 1, [(0, 0), (0, frames - min(frames, text.shape[1]))])
        if drop is not None:
            text = text * ~drop[:, None]
        x = self.text_embed(text)
        if self.text_blocks is None:
            return x
        x = x + sinusoid_positions(x)
        for block in self.text_blocks:
            x = block(x, mask)
        return x


def sinusoid_positions(x: mx.array) -> mx.array:
    """Position embeddings [length, dim] for x [batch, length, dim]: cosines, then sines, of position x
    10000^(-2i/dim).

    Positions past 4095 repeat the last, as in F5-TTS.
    """
    length, dim = x.shape[1:]
    if kernels.on_gpu():
        return sinusoids(mx.arange(length), dim).astype(x.dtype)
    return known_sinusoids(-(-length // 512) * 512, dim)[:length].astype(x.dtype)
