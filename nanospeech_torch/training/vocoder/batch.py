"""The vocoder's batch: crops of recordings."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nanospeech_core.audio.mel import SAMPLE_RATE

from ..data.batch import MovableBatch
from .config import RECONSTRUCTION


@dataclass(frozen=True)
class CropBatch(MovableBatch):
    """Crops of recordings, which the vocoder reconstructs from their mels. `CropSampler.batch` makes it."""

    wave: Tensor  # float32 [crops, samples]
    adversarial_crops: int  # how many crops the discriminators receive, the first ones
    predicted: Tensor | None = None  # float32 [crops, frames, bins]: mels by an acoustic model, as input
    has_predicted: Tensor | None = None  # bool [crops]: which crops have one

    @property
    def counts(self) -> dict[str, float]:
        """What each loss is averaged over: crops."""
        crops, adversarial = float(len(self.wave)), float(self.adversarial_crops)
        reconstruction = dict.fromkeys(RECONSTRUCTION, crops)
        return reconstruction | dict.fromkeys(("discriminator", "adversarial", "features"), adversarial)

    @property
    def seconds(self) -> float:
        return self.wave.numel() / SAMPLE_RATE

    def input_mels(self, mel: Tensor) -> Tensor:
        """The vocoder's input for the first crops [count, frames, bins], given their own mels."""
        if self.predicted is None or self.has_predicted is None:
            return mel
        count = len(mel)
        return torch.where(self.has_predicted[:count, None, None], self.predicted[:count], mel)
