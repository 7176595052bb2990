"""The acoustic model's trainer: its state, and the loop that steps, logs, validates, evaluates and saves."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.files import replacing

from ..nanospeech import Nanospeech
from . import run
from .config import TrainConfig
from .data import Batch, Utterance, batches, collate, group, load_utterances, split
from .evaluate import Evaluation
from .init import initialize, warm_start
from .losses import joint_loss


class Trainer:
    """One run. `run()` goes on from the newest checkpoint of `config.out`, if there is one.

    Resumed with the same data and config, it trains on just what the uninterrupted run would have trained on.
    """

    def __init__(self, config: TrainConfig):
        self.config = config
        self.out = Path(config.out)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = run.choose_device(config.device)
        torch.manual_seed(config.seed)
        # the vocoder has a run of its own (train_vocoder)
        self.model = Nanospeech.from_config(dataclasses.replace(config.model, vocoder=None))
        initialize(self.model)
        self.model.to(self.device)
        self.ema = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )
        self.generator = torch.Generator().manual_seed(config.seed + 1)
        self.step, self.seconds = 0, 0.0  # of training, over all resumptions

    # state

    def save(self) -> Path:
        """Write `step-N.pt`; keep the newest `config.keep`."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "config": self.config.model.to_dict(),
            "train_config": self.config.to_dict(),
        }
        path = run.checkpoint_path(self.out, self.step)
        run.write_checkpoint(path, state)
        run.prune(self.out, self.config.keep)
        return path

    def load(self, path: Path) -> None:
        """Take up the state that `save` wrote. Raises UserError where it is broken, or of another model."""
        state = run.read_checkpoint(path)
        try:
            other = ModelConfig.from_dict(state["config"], str(path))
            differing = [
                field.name
                for field in dataclasses.fields(ModelConfig)
                if field.name not in ("name", "vocoder")
                and getattr(other, field.name) != getattr(self.config.model, field.name)
            ]
            if differing:
                raise UserError(
                    f"{path} holds a model of another {', '.join(differing)} than the config's [model]; "
                    "name another folder in `out`, or take up its weights by `init_from`"
                )
            self.model.load_state_dict(state["model"])
            self.ema.load_state_dict(state["ema"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(state["generator"])
            self.step, self.seconds = state["step"], state["seconds"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{path} is no checkpoint of this trainer: {str(error).splitlines()[0]}"
            ) from error
        for parameters in self.optimizer.param_groups:  # the config's, should it have changed
            parameters.update(betas=self.config.betas, weight_decay=self.config.weight_decay)

    def resume(self) -> None:
        """Go on from the run's newest checkpoint, or start from the weights that `init_from` names."""
        found = run.checkpoints(self.out)
        if found:
            self.load(found[-1])
            self.log({"resumed": str(found[-1]), "step": self.step})
        elif self.config.init_from:
            fresh = warm_start(self.model, self.config.init_from)
            self.ema.load_state_dict(self.model.state_dict())
            self.log({"init_from": self.config.init_from, "fresh": fresh})

    def log(self, entry: dict) -> None:
        """One line to log.jsonl and one to the terminal."""
        run.append_log(self.out / "log.jsonl", entry)
        shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        print(" ".join(shown), flush=True)

    # schedules

    def progress(self) -> float:
        """The share of the run that is over."""
        return run.progress(self.step, self.config.steps, self.seconds, self.config.minutes)

    def learning_rate(self) -> float:
        """Of the next step."""
        c = self.config
        return run.learning_rate(self.step, self.progress(), c.learning_rate, c.final_learning_rate, c.warmup)

    def head_weight(self) -> float:
        """w(step) of the diffusion loss: zero at first, then a ramp."""
        loss = self.config.loss
        return loss.head_weight * min(1.0, max(0.0, (self.step - loss.head_start) / max(1, loss.head_ramp)))

    # the loop

    def run(self) -> int:
        """Train to the end of the schedule.

        Returns:
            0 at the schedule's end; the signal (SIGINT, SIGTERM) that ended it sooner, with a checkpoint.
        Raises:
            UserError: bad data, a checkpoint that does not fit, a loss that is not finite. Checkpoints stay.
        """
        config = self.config
        evaluation = Evaluation(config) if config.asr else None
        held_out, training = split(load_utterances(config.data, config.model), config.data.held_out)
        self.prepare_folder()
        self.resume()
        parameters = sum(p.numel() for p in self.model.parameters())
        self.log({"parameters": parameters, "utterances": len(training), "device": str(self.device)})
        stream = batches(training, config.data, config.model, config.seed, start=self.step)
        means, first = Means(), self.step
        saved = last = time.monotonic()
        with run.stop_signals() as received:
            while self.progress() < 1 and not received:
                batch = next(stream)
                frames = float(batch.mask.sum()) * config.model.transformer.patch
                means.add(self.train_step(batch.to(self.device)) | {"frames": frames})
                now = time.monotonic()
                self.seconds += now - last
                if self.step % config.log_every == 0:
                    speed = {"minutes": self.seconds / 60, "lr": self.learning_rate()}
                    self.log({"step": self.step} | means.take() | speed)
                if held_out and (self.step % config.validate_every == 0 or self.progress() == 1):
                    self.log({"step": self.step} | self.validate(held_out))
                if evaluation is not None and self.step % config.eval_every == 0:
                    self.log({"step": self.step} | evaluation.measure(self.ema, held_out))
                if now - saved >= 60 * config.checkpoint_minutes:
                    self.save()
                    saved = time.monotonic()
                last = time.monotonic()  # evaluation and saving are not training time
            if self.step > first:
                self.log({"step": self.step, "saved": str(self.save())})
        return received[0] if received else 0

    def prepare_folder(self) -> None:
        run.make_folder(self.out)
        with replacing(self.out / "train_config.json") as path:
            text = json.dumps(self.config.to_dict(), indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """One optimizer step on a batch; returns the loss's parts and the gradient's norm."""
        config = self.config
        self.model.train()
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = self.learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        try:
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=config.bf16):
                loss, parts = joint_loss(self.model, batch, config.loss, self.head_weight(), self.generator)
            loss.backward()
        except torch.cuda.OutOfMemoryError as error:
            seconds = config.data.batch_seconds
            raise UserError(
                f"{self.device} is out of memory: lower data.batch_seconds ({seconds:g})"
            ) from error
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise UserError(
                f"the loss ({loss.item():g}) or its gradient ({norm.item():g}) is not finite at step "
                f"{self.step}; earlier checkpoints are intact: lower the learning rate"
            )
        self.optimizer.step()
        run.update_average(self.ema, self.model, self.step, config.ema)
        self.step += 1
        return parts | {"gradient": norm}

    @torch.no_grad()
    def validate(self, held_out: list[Utterance]) -> dict[str, float]:
        """The averaged model's losses on the held-out utterances, always under the same masks and noises."""
        generator = torch.Generator().manual_seed(0)
        config, means = self.config, Means()
        for sequences in group([[u] for u in held_out], range(len(held_out)), config.data):
            batch = collate(sequences, config.model).to(self.device)
            _, parts = joint_loss(self.ema, batch, config.loss, 1.0, generator)
            means.add(parts, weight=len(sequences))
        return {f"held_out_{name}": value for name, value in means.take().items()}


class Means:
    """Weighted means of named scalars, each over the times it was given. Tensors are read by `take` only."""

    def __init__(self):
        self.sums: dict[str, Tensor | float] = {}
        self.weights: dict[str, float] = {}

    def add(self, values: dict[str, Tensor | float], weight: float = 1.0) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + weight * value
            self.weights[name] = self.weights.get(name, 0.0) + weight

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: float(value) / self.weights[name] for name, value in self.sums.items()}
        self.sums, self.weights = {}, {}
        return means
