"""Durations: one per symbol (ours), or the whole utterance's (original Nanospeech checkpoints)."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .activations import layer_norm
from .attention import Attention, Table, rotary_table
from .dit import InputEmbedding
from .layers import ConvPositionEmbedding, FeedForward, TextEmbedding


class DurationBlock(nn.Module):
    """Pre-norm attention and feed-forward; the norms have no weights."""

    def __init__(self, dim: int, heads: int, dim_head: int, ff_mult: int, rope: str):
        super().__init__()
        self.attn = Attention(dim, heads, dim_head, rope)
        self.ff = FeedForward(dim, ff_mult)

    def __call__(self, x: mx.array, table: Table, mask: mx.array | None = None) -> mx.array:
        x = x + self.attn(layer_norm(x), table, mask)
        return x + self.ff(layer_norm(x))


class PhoneDurationPredictor(nn.Module):
    """Infills durations of symbols from those of the reference (as in Voicebox, arXiv 2306.15687, A.3).

    Arguments: `PhoneDurationConfig`. Known durations carry the voice's tempo, so there is no speaker table.
    """

    def __init__(
        self,
        *,
        dim: int,
        depth: int,
        heads: int,
        dim_head: int = 64,
        ff_mult: int = 3,
        text_num_embeds: int = 256,
        conv_pos_kernel: int = 7,
        conv_pos_groups: int = 16,
    ):
        super().__init__()
        self.dim_head = dim_head
        self.text_embed = nn.Embedding(text_num_embeds + 1, dim)
        self.known_embed = nn.Linear(2, dim)
        self.conv_pos_embed = ConvPositionEmbedding(dim, conv_pos_kernel, conv_pos_groups)
        self.blocks = [DurationBlock(dim, heads, dim_head, ff_mult, "all_heads") for _ in range(depth)]
        self.norm_out = nn.RMSNorm(dim, eps=1e-6)
        self.to_pred = nn.Linear(dim, 1)

    def __call__(
        self, text: mx.array, durations: mx.array, known: mx.array, mask: mx.array | None = None
    ) -> mx.array:
        """log(1 + frames) of each symbol, [batch, symbols].

        Args:
            text: int32 [batch, symbols], -1 for padding.
            durations: float [batch, symbols] in frames, read where known.
            known: bool [batch, symbols].
            mask: bool [batch, symbols], false where padded, or None.
        """
        inputs = mx.where(known, mx.log1p(durations), 0.0)
        inputs = mx.stack([inputs, known.astype(inputs.dtype)], axis=-1)
        x = self.text_embed(text + 1) + self.known_embed(inputs.astype(self.known_embed.bias.dtype))
        x = x + self.conv_pos_embed(x, mask)
        table = rotary_table(x, self.dim_head)
        for block in self.blocks:
            x = block(x, table, mask)
        return self.to_pred(self.norm_out(x))[..., 0]


class DurationTransformer(nn.Module):
    """The body of Nanospeech's duration predictor: no time, no modulation."""

    def __init__(
        self,
        *,
        dim: int,
        depth: int,
        heads: int,
        dim_head: int = 64,
        ff_mult: int = 2,
        mel_dim: int = 100,
        text_num_embeds: int = 256,
        text_dim: int = 100,
        conv_layers: int = 0,
        conv_pos_kernel: int = 31,
        conv_pos_groups: int = 16,
        rope: str = "first_head",
    ):
        super().__init__()
        self.dim, self.dim_head = dim, dim_head
        self.text_embed = TextEmbedding(text_num_embeds, text_dim, conv_layers)
        self.input_embed = InputEmbedding(mel_dim + text_dim, dim, conv_pos_kernel, conv_pos_groups)
        self.transformer_blocks = [DurationBlock(dim, heads, dim_head, ff_mult, rope) for _ in range(depth)]
        self.norm_out = nn.RMSNorm(dim, eps=2**-23)  # torch's default, as in the original

    def __call__(self, mel: mx.array, text: mx.array) -> mx.array:
        """mel [batch, frames, mel_dim], text int32 [batch, symbols] -> [batch, frames, dim]."""
        text_embed = self.text_embed(text, mel.shape[1])
        x = self.input_embed(mx.concatenate([mel, text_embed], axis=-1))
        table = rotary_table(x, self.dim_head)
        for block in self.transformer_blocks:
            x = block(x, table)
        return self.norm_out(x)


class DurationPredictor(nn.Module):
    """Nanospeech's duration predictor: reference mel and the whole text -> seconds of the whole utterance."""

    def __init__(self, transformer: DurationTransformer):
        super().__init__()
        self.transformer = transformer
        self.to_pred = [nn.Linear(transformer.dim, 1, bias=False)]

    def __call__(self, mel: mx.array, text: mx.array, mask: mx.array | None = None) -> mx.array:
        """Seconds [batch]; mask bool [batch, frames], false where the mel is padded or hidden."""
        if mask is not None:
            mel = mel * mask[..., None]
        x = self.transformer(mel, text)
        if mask is None:
            mean = x.mean(1)
        else:
            mean = (x * mask[..., None]).sum(1) / mx.maximum(mask.sum(1, keepdims=True), 1)
        return mx.logaddexp(self.to_pred[0](mean), 0)[..., 0]
