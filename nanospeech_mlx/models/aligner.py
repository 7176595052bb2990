"""The aligner: finds when each symbol of a recording is spoken, for data sets and reference voices.

After "One TTS Alignment To Rule Them All" (Badlani et al., arXiv 2108.10447): a text and a mel encoder, the
distance of every frame from every symbol, a monotonic path. Unlike the paper's, the encoders are residual and
normalized, and their context is short: with more, a symbol could match its neighbor's frames. Channels last.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from nanospeech_core.voices.alignment import MASKED, MEL_MEAN, MEL_STD, apply_lag, monotonic_search

from ..device.threads import free_streams_at_thread_end
from .activations import gelu


class AlignerBlock(nn.Module):
    """Pre-norm residual convolution: [batch, length, dim] -> the same."""

    def __init__(self, dim: int, kernel: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2)

    def __call__(self, x: mx.array, mask: mx.array | None = None) -> mx.array:
        """x [batch, length, dim]; mask bool [batch, length], false where padded, or None."""
        h = self.norm(x)
        if mask is not None:
            h = h * mask[..., None]
        return x + gelu(self.conv(h))


class Aligner(nn.Module):
    """Log-probabilities of an utterance's symbols in each of its frames. Arguments: `AlignerConfig`."""

    def __init__(
        self,
        *,
        dim: int,
        key_dim: int,
        text_layers: int,
        mel_layers: int,
        kernel: int = 3,
        mel_dim: int = 100,
        text_num_embeds: int = 256,
        temperature: float = 0.1,
        lag: int = 0,
    ):
        super().__init__()
        self.temperature, self.lag = temperature, lag
        self.text_embed = nn.Embedding(text_num_embeds + 1, dim)  # 0 is a symbol outside the vocabulary
        self.text_blocks = [AlignerBlock(dim, kernel) for _ in range(text_layers)]
        self.to_key = nn.Linear(dim, key_dim)
        self.mel_embed = nn.Conv1d(mel_dim, dim, kernel, padding=kernel // 2)
        self.mel_blocks = [AlignerBlock(dim, kernel) for _ in range(mel_layers)]
        self.to_query = nn.Linear(dim, key_dim)

    def __call__(
        self,
        mel: mx.array,
        ids: mx.array,
        mel_mask: mx.array | None = None,
        text_mask: mx.array | None = None,
    ) -> mx.array:
        """Logits [batch, frames, symbols], -temperature |query - key|^2; float32.

        Args:
            mel: log-mel [batch, frames, mel_dim], not normalized.
            ids: int32 [batch, symbols], -1 outside the vocabulary.
            mel_mask: bool [batch, frames], false where padded, or None.
            text_mask: bool [batch, symbols], false where padded (`MASKED` in the logits), or None.
        """
        weight = self.to_query.weight
        x = ((mel - MEL_MEAN) / MEL_STD).astype(weight.dtype)
        q = self.mel_embed(x if mel_mask is None else x * mel_mask[..., None])
        for block in self.mel_blocks:
            q = block(q, mel_mask)
        q = self.to_query(q).astype(mx.float32)
        k = self.text_embed(ids + 1)
        for block in self.text_blocks:
            k = block(k, text_mask)
        k = self.to_key(k).astype(mx.float32)
        squares = q.square().sum(-1)[..., None] + k.square().sum(-1)[:, None]
        logits = -self.temperature * (squares - 2 * (q @ k.swapaxes(1, 2)))
        return logits if text_mask is None else mx.where(text_mask[:, None], logits, MASKED)

    def log_probs(
        self,
        mel: mx.array,
        ids: mx.array,
        mel_mask: mx.array | None = None,
        text_mask: mx.array | None = None,
    ) -> mx.array:
        """Log-probabilities [batch, frames, symbols] of a frame's symbol; arguments as of the call."""
        logits = self(mel, ids, mel_mask, text_mask)
        return logits - mx.logsumexp(logits, axis=-1, keepdims=True)

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The frames of each symbol, int64 [symbols], each at least 1; they sum to the mel's.

        Args:
            mel: log-mel [frames, mel_dim], not normalized.
            ids: int64 [symbols] with a pause's id at either end, -1 outside the vocabulary.
        Raises:
            UserError: there are fewer frames than symbols.
        """
        return apply_lag(monotonic_search(self.symbol_log_probs(mel, ids)), self.lag)

    def symbol_log_probs(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The log-probability of each symbol in each frame, float32 [frames, symbols]; see `align`."""
        free_streams_at_thread_end()
        frames, symbols = mx.array(mel[None].astype(np.float32)), mx.array(ids[None].astype(np.int32))
        return np.array(self.log_probs(frames, symbols)[0])
