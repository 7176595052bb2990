"""Durations and vocoder as compiled functions: lengths are rounded up, so that there are few shapes.

The sample loops do the same (`mar.compile_step`, `flow.compile_velocity`). Only for MLX.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from nanospeech_core.system.compiling import ByShape

from ..models.dit import DiT
from ..models.duration import PhoneDurationPredictor
from ..models.vocos import Vocos

FRAMES, SYMBOLS = 128, 32  # lengths are rounded up to multiples of these


def compile_vocoder(vocoder: Vocos) -> ByShape:
    """A vocoder's function of log-mel and mask, compiled once for each shape."""

    def decode(mel: mx.array, mask: mx.array) -> mx.array:
        return vocoder(mel, mask)

    return ByShape(mx.compile(decode, inputs=[vocoder.state]))


def compile_durations(predictor: PhoneDurationPredictor) -> ByShape:
    """A predictor's function of text, durations, known and mask, compiled once for each shape."""

    def predict(*arrays: mx.array) -> mx.array:
        return predictor(*arrays)

    return ByShape(mx.compile(predict, inputs=[predictor.state]))


def compile_text(transformer: DiT) -> ByShape:
    """`DiT.embed_text`, no text dropped, as a function of text and mask, compiled once for each shape."""

    def embed(text: mx.array, mask: mx.array) -> mx.array:
        return transformer.embed_text(text, mask.shape[1], None, mask)

    return ByShape(mx.compile(embed, inputs=[transformer.state]))


def vocode(compiled: ByShape, mel: mx.array, hop_length: int) -> mx.array:
    """The waveform [1, (frames - 1) * hop_length] of one log-mel [1, frames, mel_dim]."""
    frames = mel.shape[1]
    length = round_up(frames, FRAMES)
    mask = mx.array(np.arange(length)[None] < frames)
    wave = compiled(mx.pad(mel, [(0, 0), (0, length - frames), (0, 0)]), mask)
    return wave[:, : (frames - 1) * hop_length]


def infill(compiled: ByShape, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> mx.array:
    """log(1 + frames) [1, symbols]; the arguments are those of `Nanospeech.infill_durations`."""
    symbols = len(ids)
    more = (0, round_up(symbols, SYMBOLS) - symbols)
    mask = np.pad(np.ones(symbols, bool), more)
    parts = (np.pad(ids, more), np.pad(frames.astype(np.float32), more), np.pad(known, more), mask)
    return compiled(*(mx.array(part[None]) for part in parts))[:, :symbols]


def round_up(length: int, multiple: int) -> int:
    """The next multiple."""
    return -(-length // multiple) * multiple
