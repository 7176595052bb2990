"""Reference and sentence, joined to what the networks are given."""

from __future__ import annotations

import numpy as np

from ..audio.mel import FRAME_RATE
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import MAX_FRAMES, Prompt, with_pauses
from ..voices.reference import Reference

BREAKS = ";:,.!?—…，。！？；："  # the marks after which a sentence too long is cut


def halves(ids: np.ndarray, config: ModelConfig) -> list[np.ndarray]:
    """A sentence cut in two near its middle: after a punctuation mark, at a space, or else anywhere.

    A sentence of one symbol comes back whole. The space at the cut is dropped.
    """
    timed = config.text.alignment == "durations"
    inner = ids[1:-1] if timed else ids
    if len(inner) < 2:
        return [ids]
    symbols = [config.text.vocab[i] for i in inner]

    def distance(cut: int) -> float:
        return abs(cut - len(inner) / 2) - (len(inner) / 4 if symbols[cut - 1] in BREAKS else 0)

    spaces = [i for i in range(1, len(inner) - 1) if symbols[i] == " "]
    cut = min(spaces, key=distance, default=len(inner) // 2)
    pieces = [inner[:cut], inner[cut + 1 :] if spaces else inner[cut:]]
    return [with_pauses(piece, config) for piece in pieces] if timed else pieces


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
    return Prompt(cond, np.arange(total) < start, text)


def total_tokens(reference: Reference, frames: np.ndarray | int, patch: int) -> int:
    """Tokens of the reference and of a sentence of `frames`, the last of which may be filled up."""
    return len(reference.mel) // patch + -(-int(np.sum(frames)) // patch)
