"""Random crops of recordings."""

from __future__ import annotations

import numpy as np
import torch

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, N_MELS

from ..data.loading import BatchDataset, batch_seed
from .augmentation import MAX_SPEED, augment_wave
from .batch import CropBatch
from .recordings import Recording


class CropSampler:
    """Random crops of recordings. A recording's probability is proportional to its length.

    The crops are numbered, and what is random in a crop depends on its number and the seed only. So a batch
    of twice the size is two batches, and a resumed run continues with the very next crop.
    """

    def __init__(
        self,
        recordings: list[Recording],
        crop_frames: int,
        gain_db: float,
        seed: int,
        augment: float = 0.0,
        predicted_share: float = 0.0,
    ) -> None:
        self.recordings = recordings
        self.samples = crop_frames * HOP
        self.gain_db = gain_db
        self.seed = seed
        self.augment = augment
        self.predicted_share = predicted_share
        self.ends = np.cumsum([len(recording.samples) for recording in recordings])

    def batch(self, number: int, size: int, adversarial_crops: int = 0) -> CropBatch:
        """Batch `number` of batches of `size` crops."""
        crops = [self.crop(crop) for crop in range(number * size, (number + 1) * size)]
        wave = torch.from_numpy(np.stack([wave for wave, _ in crops]))
        if not self.predicted_share:
            return CropBatch(wave, adversarial_crops)
        blank = np.zeros((self.samples // HOP + 1, N_MELS), dtype=np.float32)
        mels = np.stack([blank if mel is None else mel for _, mel in crops])
        has_predicted = torch.tensor([mel is not None for _, mel in crops])
        return CropBatch(wave, adversarial_crops, torch.from_numpy(mels), has_predicted)

    def crop(self, number: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Crop `number`: its wave, float32 [crop_frames * 256], and, if the vocoder's input is to be a
        predicted mel, that log-mel, float32 [crop_frames + 1, bins].

        If the recording is shorter than the crop, silence follows it.
        """
        rng = np.random.default_rng(batch_seed(self.seed, number))
        index = np.searchsorted(self.ends, rng.integers(self.ends[-1]), side="right")
        recording, predicted = self.recordings[index].samples, self.recordings[index].predicted
        frames = self.samples // HOP + 1
        mel = None
        if (
            self.predicted_share
            and predicted is not None
            and rng.uniform() < self.predicted_share
            and len(predicted) >= frames
        ):
            first = rng.integers(len(predicted) - frames + 1)
            mel, start, length = predicted[first : first + frames], first * HOP, self.samples
        else:
            length = int(self.samples * MAX_SPEED) if self.augment else self.samples
            start = rng.integers(max(len(recording) - length, 0) + 1)
        piece = recording[start : start + length]
        gain = 10.0 ** (rng.uniform(-self.gain_db, self.gain_db) / 20.0)
        if mel is not None:
            louder = mel.astype(np.float32) + np.float32(np.log(gain))
            mel = np.maximum(louder, np.float32(np.log(LOG_FLOOR)))
        elif self.augment and rng.uniform() < self.augment:
            piece = augment_wave(piece, rng)
        piece = piece[: self.samples]
        wave = np.zeros(self.samples, dtype=np.float32)
        wave[: len(piece)] = np.clip(piece * np.float32(gain / 32768.0), -1.0, 1.0)
        return wave, mel


class CropBatchDataset(BatchDataset):
    """Maps a number to a batch of `size` crops, of which the discriminators receive `adversarial_crops`."""

    def __init__(self, crops: CropSampler, size: int, adversarial_crops: int) -> None:
        self.crops, self.size, self.adversarial_crops = crops, size, adversarial_crops

    def __getitem__(self, number: int) -> tuple[CropBatch, list[str]]:
        return self.crops.batch(number, self.size, self.adversarial_crops), []
