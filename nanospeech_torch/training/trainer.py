"""The training loop: joint loss, EMA, clock or step schedule, checkpoints that survive a kill, a JSONL log."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import time
from pathlib import Path

import torch
from torch import Tensor

from nanospeech_core.errors import UserError

from ..nanospeech import Nanospeech
from .config import TrainConfig
from .data import batches, collate, load_utterances
from .init import initialize
from .losses import joint_loss


class Trainer:
    """One run. `run()` goes on from the newest checkpoint of `config.out`, if there is one."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.out = Path(config.out)
        self.out.mkdir(parents=True, exist_ok=True)
        if config.threads:
            torch.set_num_threads(config.threads)
        wanted = config.device
        self.device = torch.device(
            ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted
        )
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
        self.step, self.seconds = 0, 0.0  # seconds of training so far, over all resumptions

    # state

    def checkpoints(self) -> list[Path]:
        """The run's checkpoints, oldest first."""
        return sorted(self.out.glob("step-*.pt"))

    def save(self) -> Path:
        """Write `step-N.pt` beside, then rename; keep the newest `config.keep`."""
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
        path = self.out / f"step-{self.step:07d}.pt"
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)
        for old in self.checkpoints()[: -self.config.keep]:
            old.unlink()
        return path

    def resume(self) -> None:
        """Load the newest checkpoint of this run, or the weights that `init_from` names."""
        found = self.checkpoints()
        if found:
            state = torch.load(found[-1], map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.ema.load_state_dict(state["ema"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(state["generator"].cpu())
            self.step, self.seconds = state["step"], state["seconds"]
            self.log({"resumed": str(found[-1]), "step": self.step})
        elif self.config.init_from:
            if not os.path.exists(self.config.init_from):
                raise UserError(f"init_from: there is no checkpoint {self.config.init_from}")
            state = torch.load(self.config.init_from, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["ema"])
            self.ema.load_state_dict(state["ema"])

    def log(self, entry: dict) -> None:
        """One line to log.jsonl and one to the terminal."""
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(
            " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items()),
            flush=True,
        )

    # schedules

    def progress(self) -> float:
        """The share of the run that is done, by steps or, with `minutes`, by the clock if that is further."""
        done = self.step / self.config.steps
        if self.config.minutes:
            done = max(done, self.seconds / (60 * self.config.minutes))
        return min(done, 1.0)

    def learning_rate(self) -> float:
        config = self.config
        floor = config.final_learning_rate
        cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * self.progress()))
        return config.learning_rate * cosine * min(1.0, (self.step + 1) / config.warmup)

    def head_weight(self) -> float:
        """w(step) of the diffusion loss: zero at first, then a ramp."""
        loss = self.config.loss
        return loss.head_weight * min(1.0, max(0.0, (self.step - loss.head_start) / max(1, loss.head_ramp)))

    # the loop

    def run(self) -> None:
        config = self.config
        (self.out / "config.json").write_text(json.dumps(config.to_dict(), indent=1, ensure_ascii=False))
        utterances = load_utterances(config.data, config.model)
        held_out, utterances = (
            utterances[:: max(1, len(utterances) // max(1, config.data.held_out))],
            utterances,
        )
        held_out = held_out[: config.data.held_out]
        names = {u.key for u in held_out}
        utterances = [u for u in utterances if u.key not in names]
        if not utterances:
            raise UserError("no training data is left beside the held-out utterances")
        self.resume()
        parameters = sum(p.numel() for p in self.model.parameters())
        self.log({"parameters": parameters, "utterances": len(utterances), "device": str(self.device)})
        stream = batches(utterances, config.data, config.model, config.seed, start=self.step)
        last, saved, sums, count = time.monotonic(), time.monotonic(), {}, 0
        frames = 0
        while self.step < config.steps and self.progress() < 1:
            batch = next(stream).to(self.device)
            parts = self.train_step(batch)
            frames += int(batch.mask.sum()) * config.model.transformer.patch
            now = time.monotonic()
            self.seconds += now - last
            last = now
            count += 1
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            if self.step % config.log_every == 0:
                means = {name: float(value) / count for name, value in sums.items()}
                speed = {"minutes": self.seconds / 60, "lr": self.learning_rate(), "frames": frames / count}
                self.log({"step": self.step, **means, **speed})
                sums, count, frames = {}, 0, 0
            if self.step % config.validate_every == 0:
                self.log({"step": self.step, **self.validate(held_out)})
            if config.asr and config.eval_texts and self.step % config.eval_every == 0:
                from .evaluate import word_error_rate

                self.log({"step": self.step, **word_error_rate(self.ema, held_out, config)})
            if now - saved > 60 * config.checkpoint_minutes:
                self.save()
                saved = now
            # evaluation and saving are not training time
            last = time.monotonic()
        self.log({"step": self.step, "saved": str(self.save()), **self.validate(held_out)})

    def train_step(self, batch) -> dict[str, Tensor]:
        """One optimizer step; returns the loss's parts and the gradient's norm."""
        config = self.config
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=config.bf16):
            loss, parts = joint_loss(self.model, batch, config.loss, self.head_weight(), self.generator)
        if not torch.isfinite(loss):
            raise UserError(
                f"the loss is {loss.item()} at step {self.step}: the checkpoints before it are intact"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parts["gradient"] = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.step += 1
        decay = min(config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for average, value in zip(self.ema.parameters(), self.model.parameters(), strict=True):
                average.lerp_(value, 1 - decay)
        return parts

    @torch.no_grad()
    def validate(self, held_out: list) -> dict[str, float]:
        """The EMA model's losses on the held-out utterances, always under the same masks and noises."""
        if not held_out:
            return {}
        generator = torch.Generator().manual_seed(0)
        batch = collate([[u] for u in held_out], self.config.model).to(self.device)
        _, parts = joint_loss(self.ema, batch, self.config.loss, 1.0, generator)
        return {f"held_out_{name}": float(value) for name, value in parts.items()}
