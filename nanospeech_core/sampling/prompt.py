"""The networks' input for one segment: the reference's tokens are visible, those to generate are masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import ModelConfig
from ..errors import UserError

MAX_FRAMES = 4096  # of reference and segment together: 43.7 s, the range of the text positions


@dataclass(frozen=True)
class Prompt:
    """The input of `flow.sample` or `mar.sample` for one segment."""

    cond: np.ndarray  # float32 [tokens, patch * mel_dim]: the visible tokens (the reference's), else zeros
    visible: np.ndarray  # bool [tokens]
    text: np.ndarray  # int64 [symbols]: an id per frame, or the ids padded by -1 ("filler")
    num_iter: int | None = None  # of the voice, see `Voice`

    @property
    def start(self) -> int:
        """The index of the first masked token."""
        return int(np.argmin(self.visible))


def collate(
    prompts: Sequence[Prompt], patch: int, bucket: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Prompts as one batch; the shorter ones are padded at their end.

    Args:
        prompts: the batch.
        patch: frames of a token.
        bucket: the length is rounded up to a multiple of this many tokens, so that batches have few shapes.
            If it is not 1, there is always a mask.
    Returns:
        cond float32 [batch, tokens, channels], visible bool [batch, tokens], text int64 [batch, symbols] (-1:
        none), and the mask, bool [batch, tokens], false where padded; None if nothing is padded.
    """
    tokens = np.array([len(prompt.cond) for prompt in prompts])
    longest = -(-int(tokens.max()) // bucket) * bucket
    symbols = max(len(prompt.text) for prompt in prompts)
    if (tokens < longest).any():
        symbols = max(symbols, longest * patch)
    cond = np.zeros((len(prompts), longest, prompts[0].cond.shape[1]), np.float32)
    visible = np.zeros(cond.shape[:2], bool)
    text = np.full((len(prompts), symbols), -1, np.int64)
    for b, prompt in enumerate(prompts):
        cond[b, : tokens[b]], visible[b, : tokens[b]] = prompt.cond, prompt.visible
        text[b, : len(prompt.text)] = prompt.text
    mask = np.arange(longest) < tokens[:, None]
    return cond, visible, text, None if bucket == 1 and mask.all() else mask


def pad(rows: Sequence[np.ndarray], length: int = 0) -> np.ndarray:
    """Arrays [length, channels] as one, [rows, longest length, channels], padded with zeros at their ends.

    length: the least of the result.
    """
    result = np.zeros((len(rows), max(length, *map(len, rows)), rows[0].shape[1]), rows[0].dtype)
    for row, values in zip(result, rows, strict=True):
        row[: len(values)] = values
    return result


def pause_id(config: ModelConfig) -> int:
    """The id of the pauses before and after an utterance: the id of the space."""
    if " " not in config.text.vocab:
        raise UserError("the model's vocabulary has no space, the symbol of the pauses around a sentence")
    return config.text.vocab.index(" ")


def with_pauses(ids: np.ndarray, config: ModelConfig) -> np.ndarray:
    """The ids of an utterance with a pause at either end (only for models with alignment "durations")."""
    pause = pause_id(config)
    return np.concatenate(([pause], ids, [pause])).astype(np.int64)
