"""The losses of the vocoder and of its discriminators. Each trains its own network only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.audio.mel import HOP

from ...models.vocos import Vocos
from .batch import CropBatch
from .discriminators import Discriminators, discriminator_loss, feature_loss, generator_loss
from .loss import LogMel, full_precision, modulation_loss, phase_loss, stft_loss

# The shortest window is one hop of the vocoder long: changes within a frame are audible too.
STFT_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256), (2048, 512))
# The phase of a harmonic that is 5 Hz off advances 0.33 and 0.17 rad too far within these hops.
PHASE_RESOLUTIONS = ((1024, 256), (512, 128))


class GeneratorObjective(nn.Module):
    """The vocoder's losses: reconstruction, and the discriminators' judgment of it.

    Args:
        model: trained.
        discriminators: not trained, so not registered as a part of this module.
        adversarial_frames: how many frames of a crop the discriminators receive.
    """

    def __init__(self, model: Vocos, discriminators: Discriminators, adversarial_frames: int):
        super().__init__()
        self.model, self.mel = model, LogMel()
        self.unregistered = (discriminators,)  # in a tuple, so that it is not registered
        self.adversarial_samples = adversarial_frames * HOP

    def forward(self, batch: CropBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """Sums over the crops of each loss whose weight is not 0."""
        target = batch.wave
        mel = self.mel(target)
        predicted = resynthesize(self.model, batch.input_mels(mel))
        means = reconstruction(self.mel, predicted, target, mel, weights)
        if weights["adversarial"] or weights["features"]:
            part = (slice(batch.adversarial_crops), slice(self.adversarial_samples))
            means |= self.adversarial_losses(predicted[part], target[part])
        return {name: batch.counts[name] * value for name, value in means.items()}

    def adversarial_losses(self, predicted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Means over the crops. The discriminators pass the gradient on to `predicted` and get none."""
        (discriminators,) = self.unregistered
        with frozen(discriminators):
            scores, features = discriminators(predicted)
        with torch.no_grad():
            _, real = discriminators(target)
        return {"adversarial": generator_loss(scores), "features": feature_loss(real, features)}


class DiscriminatorObjective(nn.Module):
    """The discriminators' loss: to tell recordings from their reconstructions.

    Args:
        discriminators: trained.
        model: not trained, so not registered as a part of this module.
        adversarial_frames: how many frames of a crop the discriminators receive.
    """

    def __init__(self, discriminators: Discriminators, model: Vocos, adversarial_frames: int):
        super().__init__()
        self.discriminators, self.mel = discriminators, LogMel()
        self.unregistered = (model,)
        self.adversarial_samples = adversarial_frames * HOP

    def forward(self, batch: CropBatch, weights: dict[str, float]) -> dict[str, Tensor]:
        """The sum over the crops that the discriminators receive."""
        (model,) = self.unregistered
        target = batch.wave[: batch.adversarial_crops]
        with torch.no_grad():
            predicted = resynthesize(model, batch.input_mels(self.mel(target)))[:, : self.adversarial_samples]
        real, _ = self.discriminators(target[:, : self.adversarial_samples])
        fake, _ = self.discriminators(predicted)
        return {"discriminator": batch.adversarial_crops * discriminator_loss(real, fake)}


def resynthesize(model: Vocos, mel: Tensor) -> Tensor:
    """`model(mel)`; under autocast only the backbone is in 16 bits."""
    features = model.backbone(mel)
    with full_precision(mel.device):
        return model.head(features.float())


def reconstruction(
    log_mel: LogMel, predicted: Tensor, target: Tensor, mel: Tensor, weights: dict[str, float]
) -> dict[str, Tensor]:
    """The means over the crops of the losses whose weight is not 0. mel: the target's."""
    losses = {
        "mel": lambda: F.l1_loss(log_mel(predicted), mel),
        "stft": lambda: stft_loss(predicted, target, STFT_RESOLUTIONS),
        "phase": lambda: phase_loss(predicted, target, PHASE_RESOLUTIONS),
        "modulation": lambda: modulation_loss(predicted, target),
    }
    return {name: loss() for name, loss in losses.items() if weights[name]}


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Computations in the block give the module's parameters no gradient, whenever the backward pass runs."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
