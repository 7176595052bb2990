"""What is asked of the vocoder and of its discriminators, each a loss that trains its own network only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP

from ...models.vocos import Vocos
from .crops import CropBatch
from .discriminators import Discriminators, discriminator_loss, feature_loss, generator_loss
from .losses import LogMel, full_precision, modulation_loss, phase_loss, stft_loss

# The shortest window is one hop of the vocoder long: what happens within a frame is heard too.
STFT_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256), (2048, 512))
# A harmonic that is 5 Hz off turns 0.33 and 0.17 rad too far within these hops.
PHASE_RESOLUTIONS = ((1024, 256), (512, 128))


class GeneratorObjective(nn.Module):
    """The vocoder's losses: of the resynthesis, and of what the discriminators say of it.

    Args:
        model: trained.
        discriminators: not trained, and no part of this module, whose parameters are the model's only.
        judged_frames: of a crop, that the discriminators hear.
    """

    def __init__(self, model: Vocos, discriminators: Discriminators, judged_frames: int):
        super().__init__()
        self.model, self.mel = model, LogMel()
        self.others = (discriminators,)  # a tuple, so that it is not registered
        self.judged_samples = judged_frames * HOP

    def forward(self, batch: CropBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """Sums over the crops of each loss whose weight is not 0."""
        target = batch.wave
        mel = self.mel(target)
        predicted = resynthesize(self.model, batch.source(mel))
        means = reconstruction(self.mel, predicted, target, mel, weights)
        if weights["adversarial"] or weights["features"]:
            corner = (slice(batch.judged), slice(self.judged_samples))
            means |= self.judge(predicted[corner], target[corner])
        return {name: batch.counts[name] * value for name, value in means.items()}

    def judge(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Means; the gradient goes through the discriminators into the prediction, and not into them."""
        (discriminators,) = self.others
        with frozen(discriminators):
            scores, features = discriminators(predicted)
        with torch.no_grad():
            _, real = discriminators(target)
        return {"adversarial": generator_loss(scores), "features": feature_loss(real, features)}


class DiscriminatorObjective(nn.Module):
    """The discriminators' loss: to tell crops from their resynthesis.

    Args:
        discriminators: trained.
        model: not trained, and no part of this module.
        judged_frames: of a crop, that the discriminators hear.
    """

    def __init__(self, discriminators: Discriminators, model: Vocos, judged_frames: int):
        super().__init__()
        self.discriminators, self.mel = discriminators, LogMel()
        self.others = (model,)
        self.judged_samples = judged_frames * HOP

    def forward(self, batch: CropBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """The sum over the crops that are judged."""
        (model,) = self.others
        target = batch.wave[: batch.judged]
        with torch.no_grad():
            predicted = resynthesize(model, batch.source(self.mel(target)))[:, : self.judged_samples]
        real, _ = self.discriminators(target[:, : self.judged_samples])
        fake, _ = self.discriminators(predicted)
        return {"discriminator": batch.judged * discriminator_loss(real, fake)}


def resynthesize(model: Vocos, mel: Tensor) -> Tensor:
    """`model(mel)`; under autocast the backbone alone is in 16 bits."""
    features = model.backbone(mel)
    with full_precision(mel.device):
        return model.head(features.float())


def reconstruction(
    log_mel: LogMel, predicted: Tensor, target: Tensor, mel: Tensor, weights: dict[str, float]
) -> dict[str, Tensor]:
    """Means over the crops of the losses whose weight is not 0. mel: the target's."""
    losses = {
        "mel": lambda: F.l1_loss(log_mel(predicted), mel),
        "stft": lambda: stft_loss(predicted, target, STFT_RESOLUTIONS),
        "phase": lambda: phase_loss(predicted, target, PHASE_RESOLUTIONS),
        "modulation": lambda: modulation_loss(predicted, target),
    }
    return {name: loss() for name, loss in losses.items() if weights[name]}


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """What is computed in the block gives the module's parameters no gradient, whenever it flows back."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
