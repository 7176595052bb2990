"""Task "vocoder": trains a small Vocos, by mel and multi-resolution STFT losses first, then adversarially."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel

from ...models.vocos import Vocos
from ..data.fingerprint import describe_held_out, fingerprint
from ..engine.blocks import prepare_blocks
from ..monitoring import samples
from .batch import CropBatch
from .config import RECONSTRUCTION, VocoderConfig
from .crops import CropBatchDataset, CropSampler
from .discriminators import Discriminators
from .loss import MAGNITUDE_FLOOR, LogMel, stft_magnitude
from .objectives import DiscriminatorObjective, GeneratorObjective, reconstruction
from .recordings import Recording, read_recordings
from .weights import warm_start

DISCRIMINATOR_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))
PERIODS = (2, 3, 5, 7, 11)
INITIAL_CROPS = 64  # on which the loudness of the initial weights is measured
SAMPLE_SECONDS = 4.0  # of a recording: long enough to judge, short enough to listen to


class VocoderTask:
    """See `engine.task.Task`. From `loss.adversarial_start` on, each step trains the discriminators, then the
    vocoder.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, or weights that do not fit.
    """

    def __init__(self, config: VocoderConfig, report: Callable[[str], object] = print) -> None:
        self.config, data, loss = config, config.data, config.loss
        training, self.held_out = read_recordings(data, config.seed, report)
        self.data = fingerprint(
            [recording_bytes(recording) for recording in (*self.held_out, *training)],
            [recording_bytes(recording) for recording in self.held_out],
            sum(len(recording.samples) for recording in (*self.held_out, *training)),
        )
        names = [recording.name for recording in self.held_out]
        length = sum(len(recording.samples) for recording in self.held_out)
        report(describe_held_out(names, length, "data.hold_out_every"))
        self.crops = CropSampler(
            training, data.crop_frames, data.gain_db, config.seed, data.augment, data.predicted_share
        )
        torch.manual_seed(config.seed)
        self.model = Vocos(**asdict(config.model))
        if config.init_from:
            warm_start(self.model, config.init_from)
            report(f"weights of {config.init_from}")
        else:
            initialize(self.model, self.crops.batch(0, INITIAL_CROPS).wave)
        self.identity = {"vocoder": asdict(config.model)}
        discriminators = Discriminators(PERIODS, DISCRIMINATOR_RESOLUTIONS, loss.discriminator_width)
        discriminators.to(memory_format=torch.channels_last)
        # they exist from the start, so that a later config can make a run adversarial
        self.losses: dict[str, nn.Module] = {
            "discriminators": DiscriminatorObjective(discriminators, self.model, loss.adversarial_frames),
            "model": GeneratorObjective(self.model, discriminators, loss.adversarial_frames),
        }
        self.rates = {
            "discriminators": loss.discriminator_learning_rate,
            "model": config.optimizer.learning_rate,
        }

    def is_adversarial(self, step: int) -> bool:
        return 0 < self.config.loss.adversarial_start <= step

    def active_losses(self, step: int) -> list[str]:
        return ["discriminators", "model"] if self.is_adversarial(step) else ["model"]

    def weights(self, loss_name: str, step: int) -> dict[str, float]:
        if loss_name == "discriminators":
            return {"discriminator": 1.0}
        names = (*RECONSTRUCTION, "adversarial", "features")
        weights = {name: getattr(self.config.loss, name) for name in names}
        return weights if self.is_adversarial(step) else weights | {"adversarial": 0.0, "features": 0.0}

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[CropBatch, list[str]]]:
        size, workers = self.config.data.batch_size, self.config.engine.workers
        batches = CropBatchDataset(self.crops, size, min(size, self.config.loss.adversarial_crops))
        return batches.stream(itertools.count(start + rank, world), workers, torch.cuda.is_available())

    @functools.cached_property
    def held_out_crops(self) -> Tensor:
        """Always the same: float32 [crops, samples]."""
        data = self.config.data
        return CropSampler(self.held_out, data.crop_frames, 0.0, 0).batch(0, data.held_out_crops).wave

    @torch.no_grad()
    def validate(self, model: Vocos) -> dict[str, float]:
        """The reconstruction losses on held-out crops."""
        if not self.held_out:
            return {}
        device = next(model.parameters()).device
        target, log_mel_of = self.held_out_crops.to(device), LogMel().to(device)
        mel = log_mel_of(target)
        weights = dict.fromkeys(RECONSTRUCTION, 1.0)
        losses = reconstruction(log_mel_of, model(mel), target, mel, weights)
        return {f"held_out_{name}": float(value) for name, value in losses.items()}

    def error_rates(self, model: Vocos) -> dict[str, float]:
        return {}

    @torch.no_grad()
    def write_samples(self, model: Vocos, folder: Path) -> bool:
        device, items = next(model.parameters()).device, []
        for recording in select_recordings(self.held_out, self.config.watch.samples):
            original = recording.samples[: int(SAMPLE_SECONDS * SAMPLE_RATE)].astype("float32") / 32768.0
            mel = torch.from_numpy(log_mel(original)).float()[None].to(device)
            copy = model(mel)[0].cpu().numpy()
            items.append(samples.Resynthesis(recording.name, original, copy))
        if items:
            samples.write_resyntheses(items, folder)
        return bool(items)

    def prepare(self) -> None:
        prepare_blocks(self.model.backbone.convnext, self.config.engine)


def recording_bytes(recording: Recording) -> bytes:
    """What tells a recording from others: its name and its length. Decoders differ in the last bits."""
    return f"{recording.name}\0{len(recording.samples)}".encode("utf-8", "surrogatepass")


def select_recordings(recordings: list[Recording], count: int) -> list[Recording]:
    """The `count` recordings whose length is nearest to `SAMPLE_SECONDS`."""
    wanted = SAMPLE_SECONDS * SAMPLE_RATE
    return sorted(recordings, key=lambda r: (abs(len(r.samples) - wanted), r.name))[:count]


@torch.no_grad()
def initialize(model: Vocos, waves: Tensor) -> None:
    """Weights as in Vocos (truncated normal of 0.02), and the head's bias at the data's mean log-magnitude.

    A zero bias would give magnitudes of 1, far above those of speech: the first steps would be lost.

    Args:
        model: to be initialized.
        waves: [batch, samples] of the training data.
    """
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    head = model.head
    magnitude = stft_magnitude(waves, head.n_fft, head.hop_length).clamp(min=MAGNITUDE_FLOOR)
    head.out.bias[: head.n_fft // 2 + 1] = magnitude.log().mean(dim=(0, 1))
