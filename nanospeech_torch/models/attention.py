"""Self-attention with rotary positions (RoFormer, arXiv 2104.09864), channels last."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rotary_table(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, dim] of position x 10000^(-2i/dim), each twice, for x [batch, length, _]."""
    freqs = 1.0 / (10000.0 ** (torch.arange(0, dim, 2, device=x.device).float() / dim))
    angles = torch.arange(x.shape[1], device=x.device).float()[:, None] * freqs[None]
    angles = angles.repeat_interleave(2, dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate neighboring pairs of the last axis; x [..., length, dim], table of `rotary_table`."""
    cos, sin = table
    pairs = x.reshape(*x.shape[:-1], -1, 2)
    half = torch.stack((-pairs[..., 1], pairs[..., 0]), dim=-1).reshape(x.shape)
    return (x * cos + half * sin).to(x.dtype)


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
        self.to_out = nn.ModuleList([nn.Linear(heads * dim_head, dim, bias=False)])

    def forward(
        self,
        x: Tensor,
        table: tuple[Tensor, Tensor],
        mask: Tensor | None = None,
        span: tuple[int, int] | None = None,
    ) -> Tensor:
        """x [batch, tokens, dim]; table of `rotary_table`; mask bool [batch, tokens], false where padded.

        span: the first and the last token (excluded) of the output; None: all.
        """
        batch, tokens, _ = x.shape
        q, k, v = (
            to(x).reshape(batch, tokens, self.heads, self.dim_head).transpose(1, 2)
            for to in (self.to_q, self.to_k, self.to_v)
        )
        if self.rope == "all_heads":
            q, k = rotate(q, table), rotate(k, table)
        else:
            q = torch.cat((rotate(q[:, :1], table), q[:, 1:]), dim=1)
            k = torch.cat((rotate(k[:, :1], table), k[:, 1:]), dim=1)
        if span is not None:
            q = q[:, :, span[0] : span[1]]
        keys = None if mask is None else mask[:, None, None, :]
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=keys)
        out = self.to_out[0](out.transpose(1, 2).reshape(batch, q.shape[2], -1))
        return out if mask is None else out * cut(mask, span)[..., None]


def cut(x: Tensor, span: tuple[int, int] | None) -> Tensor:
    """The tokens of a span, the first and the last (excluded), of x [batch, tokens, ...]; None: all."""
    return x if span is None else x[:, span[0] : span[1]]
