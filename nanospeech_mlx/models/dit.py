"""The diffusion transformer (DiT, arXiv 2212.09748, as in F5-TTS and Nanospeech) over patches of mel."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx
from mlx import nn

from ..device.constants import Constants
from ..device.halves import in_halves
from .attention import Attention, Table, cut, rotary_table
from .layers import AdaLayerNorm, ConvPositionEmbedding, FeedForward, TextEmbedding, TimestepEmbedding, gated

Modulation = mx.array | list[mx.array]  # shifts, scales and gates: each [batch or 1, 1, dim]


class InputEmbedding(nn.Module):
    """Noised mel, visible mel, text (and the visible flag) of each token -> [batch, tokens, out_dim]."""

    def __init__(self, in_dim: int, out_dim: int, kernel_size: int, groups: int):
        super().__init__()
        self.proj = nn.Linear(in_dim, out_dim)
        self.conv_pos_embed = ConvPositionEmbedding(out_dim, kernel_size, groups)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        x = in_halves(self.proj, x.astype(self.proj.bias.dtype), width=len(self.proj.bias))
        return x + self.conv_pos_embed(x, mask)


class DiTBlock(nn.Module):
    """Attention and feed-forward, each behind a modulated layer norm and a gate."""

    def __init__(self, dim: int, heads: int, dim_head: int, ff_mult: int, rope: str):
        super().__init__()
        self.attn_norm = AdaLayerNorm(dim, 6)
        self.attn = Attention(dim, heads, dim_head, rope)
        self.ff = FeedForward(dim, ff_mult)

    def __call__(
        self,
        x: mx.array,
        modulation: Modulation,
        table: Table,
        mask: mx.array | None,
        span: tuple[int, int] | None = None,
    ) -> mx.array:
        """x [batch, tokens, dim]; modulation: 6 of [batch or 1, 1, dim]; span: of the output, None: all."""
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
        self.constants = Constants()
        self.mel_dim, self.patch, self.channels = mel_dim, patch, patch * mel_dim
        self.visible_flag, self.mask_padding = visible_flag, mask_padding
        self.time_embed = TimestepEmbedding(dim)
        self.text_embed = TextEmbedding(text_num_embeds, text_dim, conv_layers)
        in_dim = 2 * self.channels + patch * text_dim + int(visible_flag)
        self.input_embed = InputEmbedding(in_dim, dim, conv_pos_kernel, conv_pos_groups)
        self.transformer_blocks = [DiTBlock(dim, heads, dim_head, ff_mult, rope) for _ in range(depth)]
        self.norm_out = AdaLayerNorm(dim, 2)
        self.proj_out = nn.Linear(dim, self.channels, bias=False)

    def embed_text(
        self, text: mx.array, tokens: int, drop: mx.array | None = None, mask: mx.array | None = None
    ) -> mx.array:
        """Text ids int32 [batch, symbols] (-1: none) -> [batch, tokens, patch * text_dim]; once an utterance.

        drop: bool [batch], rows without text; mask: bool [batch, tokens], false where padded.
        """
        frames = None
        if mask is not None and self.mask_padding:
            frames = mx.repeat(mask, self.patch, axis=1)
        x = self.text_embed(text, tokens * self.patch, drop, frames)
        return x.reshape(x.shape[0], tokens, -1)

    def modulations(self, time: mx.array | Sequence[float]) -> list[Modulation]:
        """time [batch] in [0, 1] -> the modulations of every block and of the last norm.

        Those of times that are given as numbers are kept for the next sentence, each as an array of its own.
        """
        norms = [block.attn_norm for block in self.transformer_blocks] + [self.norm_out]

        def compute(times: mx.array) -> list[Modulation]:
            t = self.time_embed(times)
            return [norm.modulation(t) for norm in norms]

        if isinstance(time, mx.array):
            return compute(time)
        layers = [*self.time_embed.time_mlp, *(norm.linear for norm in norms)]
        return self.constants.get(
            tuple(time), layers, lambda: [[*norm] for norm in compute(mx.array([*time]))]
        )

    def hidden(
        self,
        x: mx.array,
        cond: mx.array,
        visible: mx.array,
        text_embed: mx.array,
        modulations: list[Modulation],
        mask: mx.array | None = None,
        span: tuple[int, int] | None = None,
    ) -> mx.array:
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
            parts.append(visible[..., None].astype(x.dtype))
        h = self.input_embed(mx.concatenate(parts, axis=-1), mask if self.mask_padding else None)
        table = rotary_table(h, self.dim_head)
        last = len(self.transformer_blocks) - 1
        for k, block in enumerate(self.transformer_blocks):
            h = block(h, modulations[k], table, mask, span if k == last else None)
        scale, shift = modulations[-1]
        return self.norm_out(h, shift, scale)

    def __call__(
        self,
        x: mx.array,
        cond: mx.array,
        text: mx.array,
        time: mx.array,
        visible: mx.array | None = None,
        drop: mx.array | None = None,
        mask: mx.array | None = None,
    ) -> mx.array:
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
