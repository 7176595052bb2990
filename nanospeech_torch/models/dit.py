"""The diffusion transformer (DiT, arXiv 2212.09748, as in F5-TTS and Nanospeech) over patches of mel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .attention import Attention, cut, rotary_table
from .layers import AdaLayerNorm, ConvPositionEmbedding, FeedForward, TextEmbedding, TimestepEmbedding, gated


class InputEmbedding(nn.Module):
    """Noised mel, visible mel, text (and the visible flag) of each token -> [batch, tokens, out_dim]."""

    def __init__(self, in_dim: int, out_dim: int, kernel_size: int, groups: int):
        super().__init__()
        self.proj = nn.Linear(in_dim, out_dim)
        self.conv_pos_embed = ConvPositionEmbedding(out_dim, kernel_size, groups)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.proj(x.to(self.proj.bias.dtype))
        return x + self.conv_pos_embed(x, mask)


class DiTBlock(nn.Module):
    """Attention and feed-forward, each behind a modulated layer norm and a gate."""

    def __init__(self, dim: int, heads: int, dim_head: int, ff_mult: int, rope: str):
        super().__init__()
        self.attn_norm = AdaLayerNorm(dim, 6)
        self.attn = Attention(dim, heads, dim_head, rope)
        self.ff = FeedForward(dim, ff_mult)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        table: tuple[Tensor, Tensor],
        mask: Tensor | None,
        span: tuple[int, int] | None = None,
    ) -> Tensor:
        """x [batch, tokens, dim]; modulation [6, batch or 1, 1, dim]; span: of the output, None: all."""
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = modulation
        attended = self.attn(self.attn_norm(x, shift_msa, scale_msa), table, mask, span)
        x = gated(cut(x, span), gate_msa, attended)
        return gated(x, gate_mlp, self.ff(self.attn_norm(x, shift_mlp, scale_mlp)))


class DiT(nn.Module):
    """Predicts the flow target of every token; its last hidden state conditions the diffusion head.

    A token is `patch` consecutive mel frames, so it has `patch * mel_dim` numbers. Arguments: `DiTConfig`.
    """

    def __init__(
        self,
        *,
        dim: int,
        depth: int,
        heads: int,
        dim_head: int = 64,
        ff_mult: int = 2,
        mel_dim: int = 100,
        patch: int = 1,
        text_num_embeds: int = 256,
        text_dim: int = 100,
        conv_layers: int = 0,
        conv_pos_kernel: int = 31,
        conv_pos_groups: int = 16,
        rope: str = "first_head",
        visible_flag: bool = False,
        mask_padding: bool = False,
    ):
        super().__init__()
        self.dim, self.dim_head = dim, dim_head
        self.mel_dim, self.patch, self.channels = mel_dim, patch, patch * mel_dim
        self.visible_flag, self.mask_padding = visible_flag, mask_padding
        self.time_embed = TimestepEmbedding(dim)
        self.text_embed = TextEmbedding(text_num_embeds, text_dim, conv_layers)
        in_dim = 2 * self.channels + patch * text_dim + int(visible_flag)
        self.input_embed = InputEmbedding(in_dim, dim, conv_pos_kernel, conv_pos_groups)
        self.transformer_blocks = nn.ModuleList(
            [DiTBlock(dim, heads, dim_head, ff_mult, rope) for _ in range(depth)]
        )
        self.norm_out = AdaLayerNorm(dim, 2)
        self.proj_out = nn.Linear(dim, self.channels, bias=False)

    def embed_text(
        self, text: Tensor, tokens: int, drop: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Text ids int64 [batch, symbols] (-1: none) -> [batch, tokens, patch * text_dim]; once an utterance.

        drop: bool [batch], rows without text; mask: bool [batch, tokens], false where padded.
        """
        frames = None
        if mask is not None and self.mask_padding:
            frames = mask.repeat_interleave(self.patch, dim=1)
        x = self.text_embed(text, tokens * self.patch, drop, frames)
        return x.reshape(x.shape[0], tokens, -1)

    def modulations(self, time: Tensor) -> list[Tensor]:
        """time [batch] in [0, 1] -> the modulations of every block and of the last norm; once a time."""
        t = self.time_embed(time)
        norms = [block.attn_norm for block in self.transformer_blocks] + [self.norm_out]
        return [norm.modulation(t) for norm in norms]

    def hidden(
        self,
        x: Tensor,
        cond: Tensor,
        visible: Tensor,
        text_embed: Tensor,
        modulations: list[Tensor],
        mask: Tensor | None = None,
        span: tuple[int, int] | None = None,
    ) -> Tensor:
        """The last hidden state z [batch, tokens, dim].

        Args:
            x: noised tokens [batch, tokens, channels] (zeros on the masked path).
            cond: visible tokens [batch, tokens, channels], zeros elsewhere.
            visible: bool [batch, tokens], true for the tokens that cond has.
            text_embed: of `embed_text`.
            modulations: of `modulations`.
            mask: bool [batch, tokens], false where padded, or None.
            span: the first and the last token (excluded) whose state is returned; None: all. Of the others,
                the last block computes no more than what attention reads.
        """
        parts = [x, cond, text_embed]
        if self.visible_flag:
            parts.append(visible[..., None].to(x.dtype))
        h = self.input_embed(torch.cat(parts, dim=-1), mask if self.mask_padding else None)
        table = rotary_table(h, self.dim_head)
        last = len(self.transformer_blocks) - 1
        for k, block in enumerate(self.transformer_blocks):
            h = block(h, modulations[k], table, mask, span if k == last else None)
        scale, shift = modulations[-1]
        return self.norm_out(h, shift, scale)

    def forward(
        self,
        x: Tensor,
        cond: Tensor,
        text: Tensor,
        time: Tensor,
        visible: Tensor | None = None,
        drop: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The flow prediction [batch, tokens, channels] at times `time` [batch].

        drop: bool [batch], rows that see neither text nor visible tokens (classifier-free guidance).
        The rest as in `hidden` and `embed_text`. Without `visible`: the tokens whose cond is not zero.
        """
        if visible is None:
            visible = (cond != 0).any(-1)
        if drop is not None:
            cond = cond * ~drop[:, None, None]
            visible = visible & ~drop[:, None]
        text_embed = self.embed_text(text, x.shape[1], drop, mask)
        return self.proj_out(self.hidden(x, cond, visible, text_embed, self.modulations(time), mask))
