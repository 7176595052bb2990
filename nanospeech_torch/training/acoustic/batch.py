"""The acoustic model's batch: padded sequences, and which of their tokens and durations are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.config import ModelConfig

from ..data.batch import Batch, MovableBatch, collate
from ..data.utterances import Utterance
from .config import AcousticLossConfig
from .masking import Masks, draw_masks


@dataclass(frozen=True)
class JointBatch(MovableBatch):
    """A `Batch` of sequences with their masks: what a step of the joint loss is computed from."""

    batch: Batch
    masks: Masks
    seed: int  # of the noise
    counts: dict[str, float]  # what each loss is averaged over
    seconds: float  # of speech


def build_joint_batch(
    sequences: list[list[Utterance]],
    frames: int,
    seed: int,
    model: ModelConfig,
    config: AcousticLossConfig,
    flow_share: float,
) -> JointBatch:
    """Sequences of utterances -> a batch with masks: `build` of `data.loading.UtteranceBatchDataset`."""
    batch = collate(sequences, model, frames // model.transformer.patch)
    generator = torch.Generator().manual_seed(seed)
    masks = draw_masks(batch, config, flow_share, generator, model.text.alignment == "filler")
    seconds = float(batch.mask.sum()) * model.transformer.patch * HOP / SAMPLE_RATE
    masked = float(len(masks.masked_targets))
    counts = {
        "flow": float(len(masks.flow_targets)),
        "regression": masked,
        "head": masked * config.draws,
        "duration": float(masks.duration_targets.sum()),
    }
    return JointBatch(batch, masks, seed, counts, seconds)
