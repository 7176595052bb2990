"""The prompt of an edit: the recording as context, with the changed words masked.

As in Voicebox (arXiv 2306.15687) an edit is infilling: the changed words and a little around them are masked,
the rest of the recording is visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio.mel import FRAME_RATE
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import MAX_FRAMES, Prompt
from ..voices.alignment import alignment_lag
from .changes import Change

CONTEXT_FRAMES = round(8 * FRAME_RATE)  # at most, that are visible on each side of the masked ones


@dataclass(frozen=True, eq=False)
class AlignedRecording:
    """A recording, its symbols and their durations."""

    mel: np.ndarray  # float32 [frames, bins], log-mel
    ids: np.ndarray  # int64 [symbols] with pauses
    frames: np.ndarray  # int64 [symbols], the frames of each symbol

    def begins(self) -> np.ndarray:
        """The frame at which each symbol begins, and the end: int64 [symbols + 1]."""
        return np.concatenate(([0], np.cumsum(self.frames)))


@dataclass(frozen=True)
class EditPrompt:
    """A prompt with masked frames, and the frames of the recording that these replace."""

    prompt: Prompt
    start: int  # the masked frames [start, stop) of the prompt
    stop: int
    left: int  # replace the frames [left, right) of the recording
    right: int


def context_span(change: Change, recording: AlignedRecording, pause: int) -> tuple[int, int]:
    """The symbols [first, last) of the recording around a change: whole words, some seconds on each side."""
    begins = recording.begins()
    pauses = np.flatnonzero(recording.ids == pause)
    before = pauses[begins[pauses] >= begins[change.start] - CONTEXT_FRAMES]
    after = pauses[begins[pauses + 1] <= begins[change.end] + CONTEXT_FRAMES] + 1
    return int(before.min(initial=change.start)), int(after.max(initial=change.end))


def make_edit_prompt(
    change: Change,
    recording: AlignedRecording,
    new_frames: np.ndarray,
    span: tuple[int, int],
    margin: int,
    config: ModelConfig,
) -> EditPrompt:
    """The prompt that generates the new words of a change.

    Args:
        change: one of `find_changes`.
        recording: the complete recording.
        new_frames: int64, the frames of each of `change.ids`.
        span: of `context_span`.
        margin: frames, see `masked_frames`.
        config: the model's.
    Raises:
        UserError: the prompt is longer than the model can speak at once.
    """
    patch, (first, last), ids, frames = config.transformer.patch, span, recording.ids, recording.frames
    text = np.repeat(
        np.concatenate((ids[first : change.start], change.ids, ids[change.end : last])),
        np.concatenate((frames[first : change.start], new_frames, frames[change.end : last])),
    ).astype(np.int64)
    length, tokens = len(text), -(-len(text) // patch)
    if tokens * patch > MAX_FRAMES:
        raise UserError(
            f"the new words and their context would last {length / FRAME_RATE:.0f} s; "
            f"the model speaks at most {MAX_FRAMES / FRAME_RATE:.0f} s at once"
        )
    origin, finish = (int(recording.begins()[symbol]) for symbol in span)
    shift = int(new_frames.sum() - frames[change.start : change.end].sum())
    context = recording.mel[origin:finish]
    begin, end = (
        int(recording.begins()[k]) - origin - alignment_lag(config) for k in (change.start, change.end)
    )
    start, stop = masked_frames(context, begin, end, shift, margin, tokens, patch)

    mel = np.zeros((tokens * patch, context.shape[1]), dtype=np.float32)
    mel[:start] = context[:start]
    mel[stop:length] = context[stop - shift :]
    cond = ((mel - config.mel.mean) / config.mel.std).astype(np.float32).reshape(tokens, -1)
    visible = np.ones(tokens, dtype=bool)
    visible[start // patch : stop // patch] = False
    visible[length // patch :] = False  # a last token that is not whole
    cond[~visible] = 0
    text = np.pad(text, (0, tokens * patch - length), mode="edge")
    return EditPrompt(
        Prompt(cond, visible, text), start, stop, origin + start, min(origin + stop - shift, finish)
    )


def masked_frames(
    mel: np.ndarray, begin: int, end: int, shift: int, margin: int, tokens: int, patch: int
) -> tuple[int, int]:
    """The frames [start, stop) of the prompt that are masked: whole tokens.

    They begin and end between `margin` and 2 `margin` frames from the change, where it is quietest.

    Args:
        mel: log-mel [frames, bins] of the context.
        begin, end: of the change, in frames of the context.
        shift: by how many frames the prompt is later than the context after the change.
        margin: in frames.
        tokens: of the prompt.
        patch: frames of a token.
    """
    start = max(0, quietest_frame(mel, begin - 2 * margin, begin - margin, patch, 0))
    start = min(start, (tokens - 1) * patch)
    stop = quietest_frame(mel, end + margin + shift, end + 2 * margin + shift, patch, shift)
    stop = max(stop, start + patch, -(-(start + shift) // patch) * patch)
    return start, min(stop, tokens * patch)


def quietest_frame(mel: np.ndarray, low: int, high: int, patch: int, shift: int) -> int:
    """The multiple of `patch` in [low, high] at which the recording is quietest.

    If there is no multiple, the one nearest to the middle.

    Args:
        mel: log-mel [frames, mel_dim].
        low, high: frames of the prompt.
        patch: frames of a token.
        shift: frame t of the prompt is frame t - shift of the recording.
    """
    grid = np.arange(-(-low // patch) * patch, high + 1, patch)
    if not len(grid):
        return round((low + high) / 2 / patch) * patch
    level = np.exp(mel).sum(axis=1)
    at = np.clip(grid - shift, 1, len(level) - 1)
    return int(grid[np.argmin(level[at - 1] + level[at])])
