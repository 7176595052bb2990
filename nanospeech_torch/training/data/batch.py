"""A batch in training: sequences of utterances, normalized, padded, as tensors.

The steps from disk to here are listed in this folder's `__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from nanospeech_core.config import ModelConfig

from .utterances import Utterance

B = TypeVar("B", bound="MovableBatch")


@dataclass(frozen=True)
class Batch:
    """Padded sequences, made by `collate`. A row is a sequence: one or more utterances of one voice, joined.

    Tasks train on a batch with more in it: `JointBatch` (acoustic) contains one of these.
    """

    tokens: Tensor  # float32 [batch, tokens, patch * bins], normalized
    text: Tensor  # int64 [batch, tokens * patch], an id per frame ("filler": the ids), -1 where there is none
    mask: Tensor  # bool [batch, tokens], false where padded
    first_tokens: (
        Tensor  # int64 [batch]: whole tokens of a sequence's first utterance; 0 if it is the only one
    )
    ids: Tensor  # int64 [batch, symbols], -1 where there is none
    durations: Tensor  # float32 [batch, symbols], in frames
    first_symbols: Tensor  # int64 [batch]: like `first_tokens`


class MovableBatch:
    """A dataclass whose tensors move to a device together."""

    def to(self: B, device: torch.device) -> B:
        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self: B) -> B:
        return map_tensors(self, lambda tensor: tensor.pin_memory())


def map_tensors(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """A (nested) dataclass with `function` applied to each of its tensors."""
    if isinstance(value, Tensor):
        return function(value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: map_tensors(getattr(value, field.name), function) for field in fields(value)}
        return replace(value, **changed)
    return value


def collate(sequences: list[list[Utterance]], model: ModelConfig, length: int = 0) -> Batch:
    """Join the utterances of each sequence and pad the batch. Frames that fill no token are cut off.

    Args:
        sequences: the rows of the batch.
        model: for the patch, the mel's bins and its normalization.
        length: tokens to pad to, at least; 0: as many as the longest sequence has.
    """
    patch, bins = model.transformer.patch, model.transformer.mel_dim
    joined = [np.concatenate([u.mel for u in s]) for s in sequences]
    rows, symbols = len(sequences), max(sum(len(u.ids) for u in s) for s in sequences)
    n = max(length, max(map(len, joined)) // patch)
    tokens = np.zeros((rows, n, patch * bins), dtype=np.float32)
    text = np.full((rows, n * patch), -1, dtype=np.int64)
    mask = np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, symbols), -1, dtype=np.int64)
    durations = np.zeros((rows, symbols), dtype=np.float32)
    for i, (sequence, mel) in enumerate(zip(sequences, joined, strict=True)):
        row_tokens = whole_tokens(mel, model)
        row_ids = np.concatenate([u.ids for u in sequence])
        row_durations = np.concatenate([u.durations for u in sequence])
        count = len(row_tokens)
        tokens[i, :count] = row_tokens
        id_per_frame = np.repeat(row_ids, row_durations) if len(row_durations) else row_ids
        text[i, : min(len(id_per_frame), count * patch)] = id_per_frame[: count * patch]
        mask[i, :count] = True
        ids[i, : len(row_ids)] = row_ids
        durations[i, : len(row_durations)] = row_durations
    first_tokens = [len(s[0].mel) // patch if len(s) > 1 else 0 for s in sequences]
    first_symbols = [len(s[0].ids) if len(s) > 1 else 0 for s in sequences]
    arrays = (tokens, text, mask, np.array(first_tokens), ids, durations, np.array(first_symbols))
    return Batch(*map(torch.from_numpy, arrays))


def whole_tokens(mel: np.ndarray, model: ModelConfig) -> np.ndarray:
    """The normalized tokens of a mel [frames, bins], float32 [tokens, patch * bins]; whole ones only."""
    patch = model.transformer.patch
    count = len(mel) // patch
    return ((mel[: count * patch].astype(np.float32) - model.mel.mean) / model.mel.std).reshape(count, -1)
