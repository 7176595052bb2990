"""The small parts of the transformers. Channels last: [batch, frames, channels].

Architecture and parameter names are those of Nanospeech, after F5-TTS (arXiv 2410.06885).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.sampling.timesteps import time_frequencies


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """x (1 + scale) + shift."""
    return x * (1 + scale) + shift


def gated(x: Tensor, gate: Tensor, h: Tensor) -> Tensor:
    """The residual sum x + gate h."""
    return x + gate * h


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` for [batch, frames, in] -> [batch, frames, out]. Weights are [out, in / groups, kernel]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class GRN(nn.Module):
    """Global response normalization over the frames (ConvNeXt V2, arXiv 2301.00808, eq. 1-3)."""

    def __init__(self, dim: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, dim))
        self.beta = nn.Parameter(torch.zeros(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        # in float32: a sum over frames overflows float16. Not the root of a sum, whose gradient at 0 is NaN
        norm = torch.linalg.vector_norm(x.float(), dim=1, keepdim=True)
        response = (norm / (norm.mean(-1, keepdim=True) + 1e-6)).to(x.dtype)
        return self.gamma * (x * response) + self.beta + x


class ConvNeXtV2Block(nn.Module):
    """ConvNeXt V2 block (arXiv 2301.00808) in one dimension, kernel 7."""

    def __init__(self, dim: int, intermediate_dim: int):
        super().__init__()
        self.dwconv = Conv1d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, intermediate_dim)
        self.grn = GRN(intermediate_dim)
        self.pwconv2 = nn.Linear(intermediate_dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x [batch, frames, dim]; mask bool [batch, frames], false where padded. The output is zero there."""
        if mask is not None:
            x = x * mask[..., None]
        h = F.gelu(self.pwconv1(self.norm(self.dwconv(x))))
        if mask is not None:
            h = h * mask[..., None]
        x = x + self.pwconv2(self.grn(h))
        return x if mask is None else x * mask[..., None]


class ConvPositionEmbedding(nn.Module):
    """Relative positions from two grouped convolutions (wav2vec 2.0, arXiv 2006.11477, as in F5-TTS)."""

    def __init__(self, dim: int, kernel_size: int = 31, groups: int = 16):
        super().__init__()
        self.conv1d = nn.Sequential(
            Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=groups),
            nn.Mish(),
            Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=groups),
            nn.Mish(),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x [batch, tokens, dim]; mask bool [batch, tokens] or None."""
        for layer in self.conv1d:
            x = layer(x if mask is None else x * mask[..., None])
        return x


class TimestepEmbedding(nn.Module):
    """Flow time in [0, 1] -> [batch, dim]: sinusoids of 1000 t, then two linear layers."""

    def __init__(self, dim: int, freq_embed_dim: int = 256):
        super().__init__()
        self.freq_embed_dim = freq_embed_dim
        self.time_mlp = nn.Sequential(nn.Linear(freq_embed_dim, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, time: Tensor) -> Tensor:
        half = self.freq_embed_dim // 2
        freqs = torch.from_numpy(time_frequencies(half, half - 1)).to(time.device, non_blocking=True)
        angles = 1000 * time[:, None] * freqs[None]
        sinusoids = torch.cat((angles.sin(), angles.cos()), dim=-1)
        return self.time_mlp(sinusoids.to(self.time_mlp[0].bias.dtype))


class FeedForward(nn.Module):
    """Linear, tanh-approximated GELU, linear."""

    def __init__(self, dim: int, mult: int = 4):
        super().__init__()
        self.ff = nn.Sequential(
            nn.Sequential(nn.Linear(dim, dim * mult), nn.GELU(approximate="tanh")),
            nn.Identity(),
            nn.Linear(dim * mult, dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.ff(x)


class AdaLayerNorm(nn.Module):
    """Layer norm whose `chunks` modulations come from the time embedding (adaLN of DiT, arXiv 2212.09748).

    `modulation` depends on time only, so at a fixed time it is computed once.
    """

    def __init__(self, dim: int, chunks: int):
        super().__init__()
        self.dim, self.chunks = dim, chunks
        self.linear = nn.Linear(dim, dim * chunks)

    def modulation(self, t: Tensor) -> Tensor:
        """t [batch, dim] -> [chunks, batch, 1, dim]."""
        h = self.linear(F.silu(t))
        return h.reshape(-1, 1, self.chunks, self.dim).permute(2, 0, 1, 3)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return modulate(F.layer_norm(x, (self.dim,), eps=1e-6), shift, scale)


class TextEmbedding(nn.Module):
    """Ids -> features, one per mel frame: embedding, sinusoidal positions, ConvNeXt V2 blocks."""

    def __init__(self, text_num_embeds: int, text_dim: int, conv_layers: int = 0, conv_mult: int = 2):
        super().__init__()
        self.text_dim = text_dim
        self.text_embed = nn.Embedding(text_num_embeds + 1, text_dim)  # 0 is the filler
        if conv_layers > 0:
            self.text_blocks = nn.ModuleList(
                [ConvNeXtV2Block(text_dim, text_dim * conv_mult) for _ in range(conv_layers)]
            )
        else:
            self.text_blocks = None

    def forward(
        self, text: Tensor, frames: int, drop: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """The features [batch, frames, text_dim].

        Args:
            text: int64 [batch, symbols]: ids, -1 for none. Cut or padded to `frames`.
            frames: how many mel frames.
            drop: bool [batch], true for rows without any text (guidance), or None.
            mask: bool [batch, frames], false where padded, or None.
        """
        text = F.pad(text[:, :frames] + 1, (0, frames - min(frames, text.shape[1])))
        if drop is not None:
            text = text * ~drop[:, None]
        x = self.text_embed(text)
        if self.text_blocks is None:
            return x
        x = x + sinusoid_positions(x)
        for block in self.text_blocks:
            x = block(x, mask)
        return x


def sinusoid_positions(x: Tensor) -> Tensor:
    """Position embeddings [length, dim] for x [batch, length, dim]: cosines, then sines, of position x
    10000^(-2i/dim).

    Positions past 4095 repeat the last, as in F5-TTS.
    """
    length, dim = x.shape[1:]
    freqs = 10000.0 ** (-torch.arange(0, dim, 2, device=x.device)[: dim // 2].float() / dim)
    angles = torch.arange(length, device=x.device).clamp(max=4095).float()[:, None] * freqs[None]
    return torch.cat((angles.cos(), angles.sin()), dim=-1).to(x.dtype)
