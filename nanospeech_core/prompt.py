"""What the networks are given for one sentence: the reference's tokens in front, then tokens to be generated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import ModelConfig
from .errors import UserError
from .mel import HOP, SAMPLE_RATE, log_mel

FRAME_RATE = SAMPLE_RATE / HOP  # 93.75 frames a second
MAX_FRAMES = 4096  # of reference and sentence together: 43.7 s, where the text positions end


@dataclass(frozen=True)
class Reference:
    """A voice as the networks see it. Whole tokens: its frames are a multiple of the patch."""

    mel: np.ndarray  # float32 [frames, mel_dim], normalized
    ids: np.ndarray  # int64 [symbols]
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's


@dataclass(frozen=True)
class Prompt:
    """One sentence, ready for `flow.sample` or `mar.sample`."""

    cond: np.ndarray  # float32 [tokens, patch * mel_dim]: the reference's tokens, then zeros
    visible: np.ndarray  # bool [tokens]
    text: np.ndarray  # int64 [symbols]: an id per frame, or the ids padded by -1 ("filler")

    @property
    def start(self) -> int:
        """The first token to be generated."""
        return int(self.visible.sum())


def pause_id(config: ModelConfig) -> int:
    """The id of the pauses before and after a sentence: the space's."""
    return config.text.vocab.index(" ")


def with_pauses(ids: np.ndarray, config: ModelConfig) -> np.ndarray:
    """The ids of a sentence between its two pauses (durations alignment only)."""
    pause = pause_id(config)
    return np.concatenate(([pause], ids, [pause])).astype(np.int64)


def spread(frames: int, symbols: int) -> np.ndarray:
    """`frames` dealt evenly to `symbols`: int64 [symbols]; each gets frames/symbols, rounded by its boundaries."""
    return np.diff(np.round(np.linspace(0, frames, symbols + 1)).astype(np.int64))


def seconds_to_frames(durations: np.ndarray, frames: int) -> np.ndarray:
    """Durations in seconds -> whole frames int64 by rounding the boundaries; the last one ends at `frames`."""
    ends = np.minimum(np.round(np.cumsum(durations) * FRAME_RATE).astype(np.int64), frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def make_reference(
    wave: np.ndarray, ids: np.ndarray, durations: np.ndarray | None, config: ModelConfig
) -> Reference:
    """A voice's recording as tokens.

    Args:
        wave: float32 [samples], 24 kHz.
        ids: int64 [symbols] of what is said, without pauses.
        durations: seconds [symbols + 2] with a pause at either end, or None: spread evenly.
        config: the model's.
    """
    patch = config.transformer.patch
    mel = (log_mel(wave) - config.mel.mean) / config.mel.std
    mel = mel[: len(mel) // patch * patch].astype(np.float32)
    if config.text.alignment == "filler":
        return Reference(mel, ids, np.zeros(0, dtype=np.int64))
    ids = with_pauses(ids, config)
    if len(mel) < len(ids):
        raise UserError(
            f"the reference audio of {len(wave) / SAMPLE_RATE:.1f} s is too short for its text of {len(ids)} symbols"
        )
    frames = spread(len(mel), len(ids)) if durations is None else seconds_to_frames(durations, len(mel))
    return Reference(mel, ids, frames)


def whole_frames(log_frames: np.ndarray, speed: float, patch: int) -> np.ndarray:
    """Predicted log(1 + frames) [symbols] -> whole frames int64 [symbols], at least 1 each.

    The boundaries are rounded, so that errors do not add up; the last pause is stretched to fill the last token.
    """
    frames = np.maximum(np.expm1(np.asarray(log_frames, dtype=np.float64)), 0.0) / speed
    ends = np.round(np.cumsum(frames)).astype(np.int64)
    whole = np.maximum(np.diff(ends, prepend=0), 1)
    whole[-1] += -int(whole.sum()) % patch
    return whole


def make_prompt(
    reference: Reference | None, ids: np.ndarray, frames: np.ndarray | int, config: ModelConfig
) -> Prompt:
    """Reference and sentence, joined.

    Args:
        reference: the voice, or None to let the model choose one.
        ids: int64 [symbols] of the sentence ("durations": with its pauses).
        frames: int64 [symbols], the frames of each symbol; for "filler" models the number of frames of the sentence.
        config: the model's.
    Raises:
        UserError: the sentence is longer than the model can speak at once.
    """
    patch, channels = config.transformer.patch, config.transformer.patch * config.transformer.mel_dim
    if reference is None:
        empty = np.zeros(0, dtype=np.int64)
        reference = Reference(np.zeros((0, config.transformer.mel_dim), dtype=np.float32), empty, empty)
    start = len(reference.mel) // patch
    total = start + -(-int(np.sum(frames)) // patch)
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
        text = np.concatenate((np.repeat(reference.ids, reference.frames), np.repeat(ids, frames))).astype(
            np.int64
        )
    return Prompt(cond, np.arange(total) < start, text)
