"""Training of a small Vocos: mel and multi-resolution STFT losses first, adversarial losses after."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nanospeech_core.checkpoint import save_tensors
from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP

from ..vocos import Vocos
from . import run
from .discriminators import Discriminators, discriminator_loss, feature_loss, generator_loss
from .vocoder_config import VocoderTrainingConfig
from .vocoder_data import Crops, load_recordings
from .vocoder_losses import MAGNITUDE_FLOOR, LogMel, modulation_loss, stft_loss, stft_magnitude

# The shortest window is one hop of the vocoder long: what happens within a frame is heard too.
STFT_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256), (2048, 512))
DISCRIMINATOR_RESOLUTIONS = ((256, 64), (512, 128), (1024, 256))
PERIODS = (2, 3, 5, 7, 11)
CHECKPOINTS_KEPT = 2


class VocoderTrainer:
    """The whole state of a training run; `step()` advances it, `save` and `load` move it to and from disk."""

    def __init__(self, config: VocoderTrainingConfig, training: list[np.ndarray], held_out: list[np.ndarray]):
        torch.manual_seed(config.seed)
        self.config = config
        self.device = run.choose_device(config.device)
        self.rng = np.random.default_rng(config.seed)
        self.crops = Crops(training, config.data.crop_frames, config.data.gain_db)
        self.mel = LogMel().to(self.device)
        self.model = Vocos(**dataclasses.asdict(config.model)).to(self.device)
        initialize(self.model, self.crops.batch(np.random.default_rng(config.seed), 64))
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        evaluation = Crops(held_out, config.data.crop_frames, 0.0)
        self.held_out = evaluation.batch(np.random.default_rng(0), config.evaluate_crops).to(self.device)
        self.optimizer = self._adamw(self.model, config.optimizer.learning_rate)
        self.discriminators = Discriminators(
            PERIODS, DISCRIMINATOR_RESOLUTIONS, config.loss.discriminator_width
        )
        self.discriminators.to(self.device, memory_format=torch.channels_last)
        self.discriminator_optimizer = self._adamw(
            self.discriminators, config.loss.discriminator_learning_rate
        )
        self.steps_done = 0
        self.seconds = 0.0

    def _adamw(self, module: torch.nn.Module, learning_rate: float) -> torch.optim.AdamW:
        o = self.config.optimizer
        return torch.optim.AdamW(
            module.parameters(), lr=learning_rate, betas=(o.beta1, o.beta2), weight_decay=o.weight_decay
        )

    def progress(self) -> float:
        """Share of the run that is over, 0 to 1: of the steps or of the minutes, whichever is more."""
        o = self.config.optimizer
        return run.progress(self.steps_done, o.steps, self.seconds, o.minutes)

    def learning_rate(self) -> float:
        """Of the next step: linear warm-up, then a cosine from `learning_rate` to `final_learning_rate`."""
        o = self.config.optimizer
        return run.learning_rate(
            self.steps_done, self.progress(), o.learning_rate, o.final_learning_rate, o.warmup_steps
        )

    def step(self) -> dict[str, float]:
        """One optimizer step on one batch; returns the losses, unweighted."""
        began = time.monotonic()
        config, weights = self.config, self.config.loss
        target = self.crops.batch(self.rng, config.optimizer.batch_size).to(self.device)
        mel = self.mel(target)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.optimizer.bf16):
            features = self.model.backbone(mel)
        predicted = self.model.head(features.float())  # phases and magnitudes stay in float32
        losses = {
            "mel": F.l1_loss(self.mel(predicted), mel),
            "stft": stft_loss(predicted, target, STFT_RESOLUTIONS),
            "modulation": modulation_loss(predicted, target),
        }
        total = sum(getattr(weights, name) * value for name, value in losses.items())
        if 0 < weights.adversarial_start <= self.steps_done:
            corner = (slice(weights.adversarial_crops), slice(weights.adversarial_frames * HOP))
            losses |= self._adversarial(target[corner], predicted[corner])
            total = total + weights.adversarial * losses["adversarial"]
            total = total + weights.features * losses["features"]
        rate = self.learning_rate()
        norm = self._update(self.model, self.optimizer, total, rate)
        run.update_average(self.ema, self.model, self.steps_done, config.optimizer.ema)
        self.steps_done += 1
        self.seconds += time.monotonic() - began
        return {name: value.detach().item() for name, value in losses.items()} | {
            "lr": rate,
            "grad_norm": norm,
        }

    def _adversarial(self, target: Tensor, predicted: Tensor) -> dict[str, Tensor]:
        """Train the discriminators on the pair, then judge the prediction by them."""
        discriminator = self._discriminator_step(target, predicted.detach())
        self.discriminators.requires_grad_(False)
        fake, fake_features = self._judge(predicted)
        with torch.no_grad():
            _, real_features = self._judge(target)
        self.discriminators.requires_grad_(True)
        features = feature_loss(real_features, fake_features)
        return {"discriminator": discriminator, "adversarial": generator_loss(fake), "features": features}

    def _judge(self, wave: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.optimizer.bf16):
            return self.discriminators(wave)

    def _discriminator_step(self, target: Tensor, predicted: Tensor) -> Tensor:
        loss = discriminator_loss(self._judge(target)[0], self._judge(predicted)[0])
        rate = self.config.loss.discriminator_learning_rate
        self._update(self.discriminators, self.discriminator_optimizer, loss, rate)
        return loss.detach()

    def _update(
        self, module: torch.nn.Module, optimizer: torch.optim.AdamW, loss: Tensor, rate: float
    ) -> float:
        if not torch.isfinite(loss):
            raise UserError(
                f"the vocoder's loss is not finite at step {self.steps_done}; lower the learning rate"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), self.config.optimizer.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        return float(norm)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Losses of the averaged weights on the held-out crops."""
        mel = self.mel(self.held_out)
        predicted = self.ema(mel)
        return {
            "held_out_mel": float(F.l1_loss(self.mel(predicted), mel)),
            "held_out_stft": float(stft_loss(predicted, self.held_out, STFT_RESOLUTIONS)),
            "held_out_modulation": float(modulation_loss(predicted, self.held_out)),
        }

    def save(self, path: Path) -> None:
        """Write the whole state, atomically."""
        state = {
            "config": dataclasses.asdict(self.config),
            "step": self.steps_done,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
        }
        run.write_checkpoint(path, state)

    def load(self, path: Path) -> None:
        """Take up the state that `save` wrote. Raises UserError when it is of another model."""
        state = run.read_checkpoint(path)
        if state["config"]["model"] != dataclasses.asdict(self.config.model):
            raise UserError(f"{path} holds a vocoder of another shape than the config's [model] describes")
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.discriminators.load_state_dict(state["discriminators"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.rng.bit_generator.state = state["rng"]
        self.steps_done = state["step"]
        self.seconds = state["seconds"]


@torch.no_grad()
def initialize(model: Vocos, waves: Tensor) -> None:
    """Weights as in Vocos (truncated normal of 0.02), and the head's bias at the data's mean log-magnitude.

    Speech lies orders below the magnitude of 1 that a zero bias gives; starting there spares the first steps.
    waves: [batch, samples] of the training data.
    """
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv1d, torch.nn.Linear)):
            torch.nn.init.trunc_normal_(module.weight, std=0.02)
            torch.nn.init.zeros_(module.bias)
    head = model.head
    magnitude = stft_magnitude(waves, head.n_fft, head.hop_length).clamp(min=MAGNITUDE_FLOOR)
    head.out.bias[: head.n_fft // 2 + 1] = magnitude.log().mean(dim=(0, 1)).to(head.out.bias.device)


def export(folder: Path, destination: Path, dtype: str = "float32") -> int:
    """Write the newest checkpoint's averaged weights as `vocos.safetensors`, atomically; returns their step.

    The header's `format` is "pt", its `config` the model's as JSON. Raises UserError without a checkpoint.
    """
    found = run.checkpoints(folder)
    if not found:
        raise UserError(f"no checkpoint (step-*.pt) in {folder}")
    state = run.read_checkpoint(found[-1])
    weights = {name: value.numpy().astype(dtype) for name, value in state["ema"].items()}
    save_tensors(destination, weights, {"format": "pt", "config": json.dumps(state["config"]["model"])})
    return state["step"]


def train(config: VocoderTrainingConfig) -> int:
    """Train to the end of the schedule, going on from the newest checkpoint in `out`; log to `out/log.jsonl`.

    Returns:
        0 at the schedule's end; the signal (SIGINT, SIGTERM) that ended it sooner, with a checkpoint.
    """
    trainer = VocoderTrainer(config, *load_recordings(config.data, config.seed))
    folder = Path(config.out)
    run.make_folder(folder)
    found = run.checkpoints(folder)
    if found:
        trainer.load(found[-1])

    def checkpoint() -> None:
        trainer.save(run.checkpoint_path(folder, trainer.steps_done))
        run.prune(folder, CHECKPOINTS_KEPT)

    saved, first = time.monotonic(), trainer.steps_done
    with run.stop_signals() as received:
        while trainer.progress() < 1 and not received:
            values = trainer.step()
            done = trainer.steps_done
            evaluated = done % config.evaluate_every == 0 or trainer.progress() == 1
            if evaluated:
                values |= trainer.evaluate()
            if evaluated or done % config.log_every == 0:
                run.append_log(folder / "log.jsonl", {"step": done, "seconds": trainer.seconds} | values)
            if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                checkpoint()
                saved = time.monotonic()
        if trainer.steps_done > first:
            checkpoint()
    return received[0] if received else 0
