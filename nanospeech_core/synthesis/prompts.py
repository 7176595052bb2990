"""The prompt of a segment: the reference and the text, joined for the networks."""

from __future__ import annotations

import numpy as np

from ..audio.mel import FRAME_RATE
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import MAX_FRAMES, Prompt
from ..voices.reference import Reference


def make_prompt(
    reference: Reference | None, ids: np.ndarray, frames: np.ndarray | int, config: ModelConfig
) -> Prompt:
    """Reference and sentence, joined.

    Args:
        reference: the voice, or None to let the model choose one.
        ids: int64 [symbols] of the sentence ("durations": with its pauses).
        frames: int64 [symbols], the frames of each symbol; for "filler" models those of the sentence.
        config: the model's.
    Raises:
        UserError: the sentence is longer than the model can speak at once.
    """
    patch, channels = config.transformer.patch, config.transformer.patch * config.transformer.mel_dim
    if reference is None:
        empty = np.zeros(0, dtype=np.int64)
        reference = Reference(np.zeros((0, config.transformer.mel_dim), dtype=np.float32), empty, empty)
    start, total = len(reference.mel) // patch, total_tokens(reference, frames, patch)
    if total * patch > MAX_FRAMES:
        raise UserError(
            f"a sentence and its reference would last {total * patch / FRAME_RATE:.0f} s; "
            f"the model speaks at most {MAX_FRAMES / FRAME_RATE:.0f} s at once"
        )
    cond = np.zeros((total, channels), dtype=np.float32)
    cond[:start] = reference.mel.reshape(start, channels)
    if config.text.alignment == "filler":
        text = np.concatenate((reference.ids, ids)).astype(np.int64)
    else:
        text = np.concatenate((np.repeat(reference.ids, reference.durations), np.repeat(ids, frames))).astype(
            np.int64
        )
    return Prompt(cond, np.arange(total) < start, text, reference.num_iter)


def total_tokens(reference: Reference, frames: np.ndarray | int, patch: int) -> int:
    """Tokens of the reference and of a sentence of `frames`; the last token may be padded."""
    return len(reference.mel) // patch + -(-int(np.sum(frames)) // patch)


def whole_frames(log_frames: np.ndarray, speed: float, patch: int) -> np.ndarray:
    """Predicted log(1 + frames) [symbols] -> whole frames int64 [symbols], at least 1 each.

    The boundaries are rounded, so that errors do not add up; if a symbol is stretched to a whole frame, the
    next ones become shorter. The last pause is stretched to fill the last token.

    Raises:
        UserError: a prediction is not finite, because of broken weights.
    """
    if not np.isfinite(log_frames).all():
        raise UserError("the model predicts durations that are not finite; its weights are broken")
    frames = np.expm1(np.clip(np.asarray(log_frames, dtype=np.float64), 0.0, np.log1p(MAX_FRAMES))) / speed
    count = np.arange(1, len(frames) + 1)
    ends = np.maximum.accumulate(np.maximum(np.round(np.cumsum(frames)).astype(np.int64) - count, 0)) + count
    whole = np.diff(ends, prepend=0)
    whole[-1] += -int(whole.sum()) % patch
    return whole
