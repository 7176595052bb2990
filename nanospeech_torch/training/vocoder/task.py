"""Task "vocoder": a small Vocos, by mel and multi-resolution STFT losses first, adversarial losses after."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel

from ...models.vocos import Vocos
from ..data.batch import Batches
from ..engine.blocks import prepare_blocks
from ..monitoring import samples as watch
from .config import RECONSTRUCTION, VocoderConfig
from .crops import CropBatch, Crops, Recording, read_recordings
from .discriminators import Discriminators
from .losses import MAGNITUDE_FLOOR, LogMel, stft_magnitude
from .objectives import DiscriminatorObjective, GeneratorObjective, reconstruction
from .weights import warm_start

DISCRIMINATOR_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))
PERIODS = (2, 3, 5, 7, 11)
INITIAL_CROPS = 64  # that the loudness of the first weights is taken from
SHOWN_SECONDS = 4.0  # of a recording: long enough to judge, short enough to listen to


class VocoderTask:
    """See `task.Task`. From `loss.adversarial_start` on, the discriminators and the vocoder take turns.

    Args:
        config: of the run.
        report: called with a line of text.
    Raises:
        UserError: bad data, or weights that do not fit.
    """

    def __init__(self, config: VocoderConfig, report=print):
        self.config, data, loss = config, config.data, config.loss
        training, self.held_out = read_recordings(data, config.seed, report)
        self.crops = Crops(
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
        # They are there from the start, so that a run may be told later to be adversarial.
        self.losses: dict[str, nn.Module] = {
            "discriminators": DiscriminatorObjective(discriminators, self.model, loss.adversarial_frames),
            "model": GeneratorObjective(self.model, discriminators, loss.adversarial_frames),
        }
        self.rates = {
            "discriminators": loss.discriminator_learning_rate,
            "model": config.optimizer.learning_rate,
        }

    def adversarial(self, step: int) -> bool:
        return 0 < self.config.loss.adversarial_start <= step

    def turns(self, step: int) -> list[str]:
        return ["discriminators", "model"] if self.adversarial(step) else ["model"]

    def weights(self, turn: str, step: int) -> dict[str, float]:
        if turn == "discriminators":
            return {"discriminator": 1.0}
        names = (*RECONSTRUCTION, "adversarial", "features")
        weights = {name: getattr(self.config.loss, name) for name in names}
        return weights if self.adversarial(step) else weights | {"adversarial": 0.0, "features": 0.0}

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[CropBatch, list[str]]]:
        size, workers = self.config.data.batch_size, self.config.engine.workers
        loader = CropLoader(self.crops, size, min(size, self.config.loss.adversarial_crops))
        return loader.stream(itertools.count(start + rank, world), workers, torch.cuda.is_available())

    @functools.cached_property
    def held_out_crops(self) -> Tensor:
        """Always the same: float32 [crops, samples]."""
        data = self.config.data
        return Crops(self.held_out, data.crop_frames, 0.0, 0).batch(0, data.held_out_crops).wave

    @torch.no_grad()
    def validate(self, model: Vocos) -> dict[str, float]:
        """The losses of the resynthesis of held-out crops."""
        if not self.held_out:
            return {}
        device = next(model.parameters()).device
        target, mel_of = self.held_out_crops.to(device), LogMel().to(device)
        mel = mel_of(target)
        weights = dict.fromkeys(RECONSTRUCTION, 1.0)
        losses = reconstruction(mel_of, model(mel), target, mel, weights)
        return {f"held_out_{name}": float(value) for name, value in losses.items()}

    def evaluate(self, model: Vocos) -> dict[str, float]:
        return {}

    @torch.no_grad()
    def show(self, model: Vocos, folder: Path) -> bool:
        device, items = next(model.parameters()).device, []
        for recording in shown(self.held_out, self.config.watch.samples):
            original = recording.samples[: int(SHOWN_SECONDS * SAMPLE_RATE)].astype("float32") / 32768.0
            mel = torch.from_numpy(log_mel(original)).float()[None].to(device)
            copy = model(mel)[0].cpu().numpy()
            items.append(watch.Resynthesis(recording.name, original, copy))
        if items:
            watch.show_resyntheses(items, folder)
        return bool(items)

    def prepare(self) -> None:
        prepare_blocks(self.model.backbone.convnext, self.config.engine)


class CropLoader(Batches):
    """Numbers to batches of `size` crops, of which the discriminators hear the first `judged`."""

    def __init__(self, crops: Crops, size: int, judged: int):
        self.crops, self.size, self.judged = crops, size, judged

    def __getitem__(self, number: int) -> tuple[CropBatch, list[str]]:
        return self.crops.batch(number, self.size, self.judged), []


def shown(recordings: list[Recording], count: int) -> list[Recording]:
    """Those of about `SHOWN_SECONDS`."""
    wanted = SHOWN_SECONDS * SAMPLE_RATE
    return sorted(recordings, key=lambda r: (abs(len(r.samples) - wanted), r.name))[:count]


@torch.no_grad()
def initialize(model: Vocos, waves: Tensor) -> None:
    """Weights as in Vocos (truncated normal of 0.02), and the head's bias at the data's mean log-magnitude.

    Speech lies orders below the magnitude of 1 that a zero bias gives; starting there spares the first steps.
    waves: [batch, samples] of the training data.
    """
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)
    head = model.head
    magnitude = stft_magnitude(waves, head.n_fft, head.hop_length).clamp(min=MAGNITUDE_FLOOR)
    head.out.bias[: head.n_fft // 2 + 1] = magnitude.log().mean(dim=(0, 1))
