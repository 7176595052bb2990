"""Self-attention with rotary positions (RoFormer, arXiv 2104.09864), channels last."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from .activations import attend


def rotary_table(x: mx.array, dim: int) -> mx.array:
    """What `rotate` asks for: the positions that a radian takes, 10000^(2i/dim), [dim / 2]; whatever x is."""
    return mx.array((10000.0 ** (np.arange(0, dim, 2) / dim)).astype(np.float32))


def rotate(x: mx.array, table: mx.array) -> mx.array:
    """Rotate neighbouring pairs of the last axis by position / `table`; x [batch, heads, length, dim]."""
    return mx.fast.rope(x, x.shape[-1], traditional=True, base=None, scale=1.0, offset=0, freqs=table)


class Attention(nn.Module):
    """Multi-head self-attention.

    `rope="first_head"` rotates only the first head: original Nanospeech and F5-TTS checkpoints rotate before
    the heads are split. "all_heads" rotates every head.
    """

    def __init__(self, dim: int, heads: int = 8, dim_head: int = 64, rope: str = "all_heads"):
        super().__init__()
        self.heads, self.dim_head, self.rope = heads, dim_head, rope
        self.to_q = nn.Linear(dim, heads * dim_head)
        self.to_k = nn.Linear(dim, heads * dim_head)
        self.to_v = nn.Linear(dim, heads * dim_head)
        self.to_out = [nn.Linear(heads * dim_head, dim, bias=False)]

    def __call__(self, x: mx.array, table: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [batch, tokens, dim]; table of `rotary_table`; mask bool [batch, tokens], false where padded."""
        batch, tokens, _ = x.shape
        q, k, v = (
            to(x).reshape(batch, tokens, self.heads, self.dim_head).swapaxes(1, 2)
            for to in (self.to_q, self.to_k, self.to_v)
        )
        if self.rope == "all_heads":
            q, k = rotate(q, table), rotate(k, table)
        else:
            q = mx.concatenate((rotate(q[:, :1], table), q[:, 1:]), axis=1)
            k = mx.concatenate((rotate(k[:, :1], table), k[:, 1:]), axis=1)
        keys = None if mask is None else mask[:, None, None, :]
        out = attend(q, k, v, self.dim_head**-0.5, keys)
        out = self.to_out[0](out.swapaxes(1, 2).reshape(batch, tokens, -1))
        return out if mask is None else out * mask[..., None]
