"""Self-attention with rotary positions (RoFormer, arXiv 2104.09864), channels last."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from ..device import kernels
from ..device.constants import rotary_periods, rotations
from ..device.halves import in_halves
from .activations import attend

Table = mx.array | tuple[mx.array, mx.array]


def rotary_table(x: mx.array, dim: int) -> Table:
    """The second argument of `rotate`, for heads of `dim` channels and x [batch, length, _].

    On a GPU the positions per radian, 10000^(2i/dim), [dim / 2]; on a CPU cosines and sines of
    position x 10000^(-2i/dim), [length, dim], each twice, the first sine of a pair negated.
    """
    return rotary_periods(dim) if kernels.on_gpu() else rotations(x.shape[1], dim)


def rotate(x: mx.array, table: Table) -> mx.array:
    """Rotate neighboring pairs of the last axis by their angle; x [batch, heads, length, dim]."""
    if isinstance(table, mx.array):
        return mx.fast.rope(x, x.shape[-1], traditional=True, base=None, scale=1.0, offset=0, freqs=table)
    pairs = x.reshape(*x.shape[:-1], -1, 2)
    swapped = mx.concatenate([pairs[..., 1:], pairs[..., :1]], axis=-1).reshape(x.shape)
    return (x * table[0] + swapped * table[1]).astype(x.dtype)


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

    def __call__(
        self,
        x: mx.array,
        table: Table,
        mask: mx.array | None = None,
        span: tuple[int, int] | None = None,
    ) -> mx.array:
        """x [batch, tokens, dim]; table of `rotary_table`; mask bool [batch, tokens], false where padded.

        span: the first and the last token (excluded) of the output; None: all.
        """
        batch, tokens, _ = x.shape
        if "to_qkv" in self:  # of `fuse_layers`
            heads = in_halves(self.to_qkv, x)
        else:
            heads = mx.concatenate([to(x) for to in (self.to_q, self.to_k, self.to_v)], axis=-1)
        heads = heads.reshape(batch, tokens, 3 * self.heads, self.dim_head).swapaxes(1, 2)
        q, k, v = mx.split(heads, 3, axis=1)
        if self.rope == "all_heads":
            q, k = mx.split(rotate(heads[:, : 2 * self.heads], table), 2, axis=1)
        else:
            q = mx.concatenate([rotate(q[:, :1], table), q[:, 1:]], axis=1)
            k = mx.concatenate([rotate(k[:, :1], table), k[:, 1:]], axis=1)
        if span is not None:
            q = q[:, :, span[0] : span[1]]
        keys = None if mask is None else mask[:, None, None, :]
        out = attend(q, k, v, self.dim_head**-0.5, keys)
        out = self.to_out[0](out.swapaxes(1, 2).reshape(batch, q.shape[2], -1))
        return out if mask is None else out * cut(mask, span)[..., None]


def cut(x: mx.array, span: tuple[int, int] | None) -> mx.array:
    """The tokens of a span, the first and the last (excluded), of x [batch, tokens, ...]; None: all."""
    return x if span is None else x[:, span[0] : span[1]]
