"""The training engine: one loop for every task, in one process or many (accelerate), resumable.

A task says what is trained, and on what (see `task.Task`). The engine takes the steps, averages the weights,
logs, evaluates, and writes checkpoints. A stopped run continues with the very next batch.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nanospeech_core.errors import UserError

from ..monitoring.metrics import RunningMeans
from . import checkpoints, processes, runtime
from .ema import update_ema
from .evaluation import Evaluation
from .learning_rate import learning_rate, progress
from .run_log import RunLog
from .settings import as_json, write_settings
from .task import RunConfig, Task, TaskBatch

LOG_SECONDS = 30.0  # of training, at most, between two lines of a log
SKIPPED_STEPS = 100  # consecutive steps that fp16's loss scaling may skip before the run ends with an error


class Engine:
    """One run. `run()` continues from the newest checkpoint in `config.out`, if there is one."""

    def __init__(self, task: Task) -> None:
        config: RunConfig = task.config
        self.task, self.config, self.out = task, config, Path(config.out)
        self.accelerator, self.precision = runtime.make_accelerator(
            config.engine, config.watch.trackers, self.out
        )
        self.log = RunLog(self.accelerator, config, self.out)
        self.evaluation = Evaluation(task, self.log, self.out)
        self.device, self.main = self.accelerator.device, self.accelerator.is_main_process
        self.world, self.rank = self.accelerator.num_processes, self.accelerator.process_index
        task.model.to(self.device)
        for loss in task.losses.values():
            loss.to(self.device)
        self.ema_model = copy.deepcopy(task.model).eval().requires_grad_(False)
        o = config.optimizer
        self.optimizers: dict[str, Any] = {}
        self.wrapped: dict[str, nn.Module] = {}  # the losses, as accelerate wraps them for several processes
        for name, loss in task.losses.items():
            parameters = [p for p in loss.parameters() if p.requires_grad]
            if not parameters:
                raise UserError("config: frozen leaves nothing to train")
            self.optimizers[name] = torch.optim.AdamW(
                parameters,
                lr=task.rates[name],
                betas=o.betas,
                weight_decay=o.weight_decay,
                # a fused step would hide from accelerate that fp16's loss scaling skipped it
                fused=self.device.type == "cuda" and self.precision != "fp16",
            )
        self.step = self.skipped_steps = 0
        self.position = 0  # batches taken from the stream, by all processes together
        self.seconds = 0.0  # of training, over all resumptions

    # state

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on: the contents of a checkpoint."""
        unwrap = self.accelerator.unwrap_model
        return {
            "step": self.step,
            "position": self.position,
            "seconds": self.seconds,
            "best": self.evaluation.best,
            "ema": self.ema_model.state_dict(),
            "losses": {name: unwrap(loss).state_dict() for name, loss in self.wrapped.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else None,
            "config": self.task.identity,
            "data": self.task.data,
            "train_config": as_json(self.config),
        }

    def save(self, name: str | None = None) -> Path:
        """Write `step-N.pt` (or `name`) and delete old checkpoints. Only the main process calls it."""
        path = checkpoints.checkpoint_path(self.out, self.step) if name is None else self.out / name
        checkpoints.write_checkpoint(path, self.state())
        checkpoints.prune(self.out, self.config.engine.keep)
        return path

    def load(self, path: Path, state: dict[str, Any]) -> None:
        """Restore a state that `save` wrote to `path`. Raises UserError if it is of another model."""
        try:
            checkpoints.check_same_run(path, state, self.task.identity, self.task.data, as_json(self.config))
            for name, loss in self.wrapped.items():
                self.accelerator.unwrap_model(loss).load_state_dict(state["losses"][name])
                self.optimizers[name].load_state_dict(state["optimizers"][name])
            self.ema_model.load_state_dict(state["ema"])
            if self.accelerator.scaler and state["scaler"]:
                self.accelerator.scaler.load_state_dict(state["scaler"])
            self.step, self.position = state["step"], state["position"]
            self.seconds = state["seconds"]
            self.evaluation.resume(self.seconds, state["best"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{path} is not a checkpoint of this trainer: {str(error).splitlines()[0]}"
            ) from error
        o = self.config.optimizer
        for optimizer in self.optimizers.values():  # the config may have changed since
            for group in optimizer.param_groups:
                group.update(betas=o.betas, weight_decay=o.weight_decay)

    def start(self) -> None:
        """Wrap the losses for several processes, and load the newest checkpoint."""
        self.task.prepare()
        for name, loss in self.task.losses.items():
            self.wrapped[name], self.optimizers[name] = self.accelerator.prepare(loss, self.optimizers[name])
        if self.main:
            checkpoints.make_run_folder(self.out)
        path, state = checkpoints.read_newest(self.out, lambda error: self.log.write({"passed_over": error}))
        if path:
            self.load(path, state)
        processes.check_agreement(self.accelerator, self.step, self.task.data, as_json(self.config))
        if self.main:
            write_settings(self.out / "config.json", as_json(self.config))
        if path and self.progress() < 1:
            self.log.write({"resumed": str(path), "step": self.step})

    # schedule

    def progress(self) -> float:
        """The share of the run that is done."""
        o = self.config.optimizer
        return progress(self.step, o.steps, self.seconds, o.minutes)

    def learning_rate(self, peak: float) -> float:
        """Of the next step."""
        o = self.config.optimizer
        final = peak if o.schedule == "constant" else peak * o.final_learning_rate / o.learning_rate
        return learning_rate(self.step, self.progress(), peak, final, o.warmup)

    # the loop

    def run(self) -> int:
        """Train to the end of the schedule.

        Returns:
            0 at the end of the schedule; else the signal (SIGINT, SIGTERM) that stopped the run.
        Raises:
            UserError: bad data, a checkpoint that does not fit, a loss that is not finite, another process
                that trains in the same folder. Checkpoints stay.
        """
        with self.log.locked_folder():
            return self._train()

    def _train(self) -> int:
        self.start()
        if self.progress() == 1:
            self.log.say_finished(self.step, nothing_trained=True)
            self.accelerator.state.destroy_process_group()
            return 0
        config = self.config
        self.describe()
        stream = self.task.stream(self.position, self.rank, self.world)
        means, first_step = RunningMeans(), self.step
        skipped: Counter[str] = Counter()
        with (
            runtime.stop_signals() as received,
            runtime.worker_errors(),
            self.log.trackers(),
            self.log.progress_bar() as bar,
        ):
            signal, logged = 0, self.seconds
            saved = last = time.monotonic()
            while self.progress() < 1 and not signal:
                batches = list(itertools.islice(stream, config.optimizer.accumulate))
                skipped.update(reason for _, reasons in batches for reason in reasons)
                means.add(self.train_step([batch.to(self.device) for batch, _ in batches]))
                now, before = time.monotonic(), self.seconds
                self.seconds += now - last
                self.seconds, signal = processes.broadcast_stop(self.accelerator, self.seconds, received)
                elapsed = self.seconds - before  # the main process's: others wait while it evaluates
                means.add_sum("steps_per_s", 1.0, elapsed)
                audio = self.world * sum(batch.seconds for batch, _ in batches)
                means.add_sum("audio_hours_per_hour", audio, elapsed)
                bar.update(self.step, self.progress(), self.seconds)
                if self.step % config.watch.log_every == 0 or self.seconds - logged >= LOG_SECONDS:
                    self.log_metrics(means.pop(), skipped, bar)
                    logged = self.seconds
                if self.main and not signal:
                    done = self.progress() == 1
                    if self.evaluation.run(self.ema_model, self.step, self.seconds, done):
                        self.save("best.pt")
                if self.main and now - saved >= 60 * config.engine.checkpoint_minutes:
                    self.save()
                    saved = time.monotonic()
                last = time.monotonic()  # evaluation and saving are not training time
            if self.step > first_step and self.main:
                self.log.write({"step": self.step, "minutes": self.seconds / 60, "saved": str(self.save())})
            self.accelerator.wait_for_everyone()
        if self.progress() < 1:
            self.log.say(f"stopped at step {self.step}; the same command goes on from there")
        else:
            self.log.say_finished(self.step)
        # gloo's threads, if they still run when Python ends, may abort a process that has finished its work
        self.accelerator.state.destroy_process_group()
        return signal

    def describe(self) -> None:
        """Log what trains where, and what it will need."""
        self.log.write(
            {
                "parameters": sum(p.numel() for p in self.task.model.parameters()),
                "device": str(self.device),
                "precision": self.precision,
                "processes": self.world,
            }
        )
        if self.main:
            size = checkpoints.expected_bytes(self.task.losses.values(), self.ema_model)
            self.log.say(checkpoints.describe_disk(self.out, size, self.config.engine.keep))

    def log_metrics(self, means: dict[str, float], skipped: Counter[str], bar: Any) -> None:
        """Log the means since the last call, the speed, and what was skipped so far, of all processes."""
        means = processes.mean_metrics(self.accelerator, means)
        reasons = processes.total_skipped(self.accelerator, skipped)
        left = self.seconds * (1 / self.progress() - 1)
        memory = runtime.peak_memory(self.device)
        entry: dict[str, Any] = {
            "step": self.step,
            **means,
            "lr": self.learning_rate(self.config.optimizer.learning_rate),
            "memory_gb": memory,
            "minutes": self.seconds / 60,
            "minutes_left": left / 60,
        }
        if reasons:
            entry["skipped"] = reasons
        self.log.write(entry)
        bar.speed = f", {means['audio_hours_per_hour']:.0f} h of audio/h, {memory:.1f} GB"

    def train_step(self, batches: list[TaskBatch]) -> dict[str, Tensor | float]:
        """One optimizer step of each active loss on this process's batches.

        A loss is its sum over all processes' batches, divided by its count over all of them. So the gradient
        does not depend on how the batches are distributed.

        Returns:
            the gradients' norms, and values whose mean over the processes is each loss.
        """
        counts = processes.total_counts(self.accelerator, batches)
        values: dict[str, Tensor | float] = {}
        for loss_name in self.task.active_losses(self.step):
            loss, optimizer = self.wrapped[loss_name], self.optimizers[loss_name]
            weights = self.task.weights(loss_name, self.step)
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate(self.task.rates[loss_name])
            optimizer.zero_grad(set_to_none=True)
            for i, batch in enumerate(batches):
                last = i == len(batches) - 1
                with nullcontext() if last else self.accelerator.no_sync(loss):
                    with runtime.out_of_memory_errors(self.device):
                        sums = loss(batch, weights)
                    shares = {name: value / max(1.0, counts[name]) for name, value in sums.items()}
                    # times `world`, because DistributedDataParallel averages over the processes
                    objective = self.world * sum(weights[name] * value for name, value in shares.items())
                    if not getattr(objective, "requires_grad", False):
                        raise UserError(
                            f"no loss depends on what is trained at step {self.step}: see frozen and [loss]"
                        )
                    with runtime.out_of_memory_errors(self.device):
                        self.accelerator.backward(objective)
                for name, value in shares.items():
                    if not counts[name]:
                        continue  # no row of this step has it: a 0 would spoil the mean
                    values[name] = values.get(name, 0.0) + self.world * value.detach()
            trained = [p for group in optimizer.param_groups for p in group["params"]]
            norm = self.accelerator.clip_grad_norm_(trained, self.config.optimizer.clip)
            optimizer.step()
            self.check_gradient(loss_name, norm, optimizer.step_was_skipped)
            values["gradient" if loss_name == "model" else f"gradient_{loss_name}"] = norm
        update_ema(self.ema_model, self.task.model, self.step, self.config.optimizer.ema)
        self.step += 1
        self.position += self.world * len(batches)
        return values

    def check_gradient(self, loss_name: str, norm: Tensor, step_was_skipped: bool) -> None:
        """Raise UserError if a gradient is not finite. All processes have the same gradient, so all end."""
        self.skipped_steps = self.skipped_steps + 1 if step_was_skipped else 0
        if self.skipped_steps >= SKIPPED_STEPS or not (step_was_skipped or torch.isfinite(norm)):
            raise UserError(
                f"the gradient of the loss ({loss_name}) is not finite at step {self.step}; earlier "
                "checkpoints are intact: lower the learning rate, or start again with engine.precision=fp32"
            )
