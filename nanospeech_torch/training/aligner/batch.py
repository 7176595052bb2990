"""The aligner's batch: padded utterances with the prior of their alignments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.voices.alignment import beta_binomial_log_prior

from ..data.batch import MovableBatch
from ..data.utterances import Utterance
from .augmentation import augment_mel
from .config import AlignmentLossConfig


@dataclass(frozen=True)
class AlignmentBatch(MovableBatch):
    """Padded utterances. A row is one utterance."""

    mel: Tensor  # float32 [batch, frames, bins], not normalized
    mel_mask: Tensor  # bool [batch, frames]
    ids: Tensor  # int64 [batch, symbols], -1 outside the vocabulary
    text_mask: Tensor  # bool [batch, symbols]
    prior: Tensor  # float32 [batch, frames, symbols], log
    counts: dict[str, float]  # what each loss is averaged over: frames
    seconds: float


def build_alignment_batch(
    sequences: list[list[Utterance]], frames: int, seed: int, config: AlignmentLossConfig
) -> AlignmentBatch:
    """Utterances -> a batch: `build` of `data.loading.UtteranceBatchDataset`."""
    rng = np.random.default_rng(seed)
    utterances = [utterance for sequence in sequences for utterance in sequence]
    rows, bins = len(utterances), utterances[0].mel.shape[1]
    t = max(frames, *(len(u.mel) for u in utterances))
    n = max(len(u.ids) for u in utterances)
    mel = np.zeros((rows, t, bins), dtype=np.float32)
    mel_mask, text_mask = np.zeros((rows, t), dtype=bool), np.zeros((rows, n), dtype=bool)
    ids = np.full((rows, n), -1, dtype=np.int64)
    prior = np.zeros((rows, t, n), dtype=np.float32)
    for i, u in enumerate(utterances):
        length, symbols = len(u.mel), len(u.ids)
        mel[i, :length] = augment_mel(u.mel.astype(np.float32), rng, config.augment)
        mel_mask[i, :length], text_mask[i, :symbols] = True, True
        ids[i, :symbols] = u.ids
        prior[i, :length, :symbols] = beta_binomial_log_prior(length, symbols, config.prior_scale)
    total = float(mel_mask.sum())
    return AlignmentBatch(
        mel=torch.from_numpy(mel),
        mel_mask=torch.from_numpy(mel_mask),
        ids=torch.from_numpy(ids),
        text_mask=torch.from_numpy(text_mask),
        prior=torch.from_numpy(prior),
        counts={"forward_sum": total, "binarization": total},
        seconds=total * HOP / SAMPLE_RATE,
    )
