"""The training engine: one loop for every task, on one process or many (accelerate), with resume.

A task says what is trained and on what (see `task.Task`); the engine steps, averages, logs, validates, shows
samples, keeps checkpoints, and stops where it is told to, so that the next start goes on with the very next
batch.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate.utils import gather_object
from torch import Tensor

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder

from . import checkpoints
from . import runtime as run
from .metrics import Means
from .settings import write_settings
from .task import Task

SKIPPED_STEPS = 100  # of fp16's loss scaling in a row, before the run is given up


class Engine:
    """One run. `run()` goes on from the newest checkpoint of `config.out`, if there is one."""

    def __init__(self, task: Task):
        self.task, config = task, task.config
        self.config, self.out = config, Path(config.out)
        self.accelerator = run.make_accelerator(config.engine, config.watch.trackers, self.out)
        self.device, self.main = self.accelerator.device, self.accelerator.is_main_process
        self.world, self.rank = self.accelerator.num_processes, self.accelerator.process_index
        task.model.to(self.device)
        for loss in task.losses.values():
            loss.to(self.device)
        self.average = copy.deepcopy(task.model).eval().requires_grad_(False)
        o = config.optimizer
        self.optimizers, self.wrapped = {}, {}
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
                fused=self.device.type == "cuda" and config.engine.precision != "fp16",
            )
        self.step = 0
        self.position = 0  # batches taken from the stream, by all processes together
        self.seconds = 0.0  # of training, over all resumptions
        self.best = math.inf  # WER
        self.skipped_steps = 0

    # state

    def state(self) -> dict:
        """Everything that the next step depends on."""
        unwrap = self.accelerator.unwrap_model
        return {
            "step": self.step,
            "position": self.position,
            "seconds": self.seconds,
            "best": self.best,
            "ema": self.average.state_dict(),
            "losses": {name: unwrap(loss).state_dict() for name, loss in self.wrapped.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else None,
            "config": self.task.identity,
            "train_config": run.as_dict(self.config),
        }

    def save(self, name: str | None = None) -> Path:
        """Write `step-N.pt` (or `name`), delete all but the newest `engine.keep`. The main process's work."""
        path = checkpoints.checkpoint_path(self.out, self.step) if name is None else self.out / name
        checkpoints.write_checkpoint(path, self.state())
        checkpoints.prune(self.out, self.config.engine.keep)
        return path

    def load(self, path: Path, state: dict) -> None:
        """Take up the state that `save` wrote to `path`. Raises UserError where it is of another model."""
        try:
            checkpoints.check_same_run(path, state, self.task.identity, run.as_dict(self.config))
            for name, loss in self.wrapped.items():
                self.accelerator.unwrap_model(loss).load_state_dict(state["losses"][name])
                self.optimizers[name].load_state_dict(state["optimizers"][name])
            self.average.load_state_dict(state["ema"])
            if self.accelerator.scaler and state["scaler"]:
                self.accelerator.scaler.load_state_dict(state["scaler"])
            self.step, self.position = state["step"], state["position"]
            self.seconds, self.best = state["seconds"], state["best"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{path} is no checkpoint of this trainer: {str(error).splitlines()[0]}"
            ) from error
        o = self.config.optimizer
        for optimizer in self.optimizers.values():  # the config's, should it have changed
            for group in optimizer.param_groups:
                group.update(betas=o.betas, weight_decay=o.weight_decay)

    def start(self) -> None:
        """Wrap the losses for several processes, and take up the newest checkpoint."""
        self.task.prepare()
        for name, loss in self.task.losses.items():
            self.wrapped[name], self.optimizers[name] = self.accelerator.prepare(loss, self.optimizers[name])
        if self.main:
            make_folder(self.out)
            checkpoints.clean(self.out)
        path, state = checkpoints.read_newest(self.out, lambda error: self.log({"passed_over": error}))
        if path:
            self.load(path, state)
        if self.main:
            write_settings(self.out / "config.json", run.as_dict(self.config))
        if path:
            self.log({"resumed": str(path), "step": self.step})

    # schedule

    def progress(self) -> float:
        """The share of the run that is over."""
        o = self.config.optimizer
        return run.progress(self.step, o.steps, self.seconds, o.minutes)

    def learning_rate(self, peak: float) -> float:
        """Of the next step."""
        o = self.config.optimizer
        final = peak if o.schedule == "constant" else peak * o.final_learning_rate / o.learning_rate
        return run.learning_rate(self.step, self.progress(), peak, final, o.warmup)

    # the loop

    def run(self) -> int:
        """Train to the end of the schedule.

        Returns:
            0 at the schedule's end; the signal (SIGINT, SIGTERM) that ended it sooner, with a checkpoint.
        Raises:
            UserError: bad data, a checkpoint that does not fit, a loss that is not finite. Checkpoints stay.
        """
        self.start()
        config, watch = self.config, self.config.watch
        parameters = sum(p.numel() for p in self.task.model.parameters())
        self.log({"parameters": parameters, "device": str(self.device), "processes": self.world})
        stream = self.task.stream(self.position, self.rank, self.world)
        means, first, skipped = Means(), self.step, Counter()
        trackers = run.trackers(self.accelerator, config)
        with run.stop_signals() as received, run.worker_deaths(), trackers, run.bar(self) as bar:
            signal = 0
            saved = last = time.monotonic()
            while self.progress() < 1 and not signal:
                batches = list(itertools.islice(stream, config.optimizer.accumulate))
                skipped.update(reason for _, reasons in batches for reason in reasons)
                means.add(self.train_step([batch.to(self.device) for batch, _ in batches]))
                now, before = time.monotonic(), self.seconds
                self.seconds += now - last
                signal = self.agree(received)
                elapsed = self.seconds - before  # the main process's: others wait while it evaluates
                means.rate("steps_per_s", 1.0, elapsed)
                audio = self.world * sum(batch.seconds for batch, _ in batches)
                means.rate("audio_hours_per_hour", audio, elapsed)
                bar.update()
                if self.step % watch.log_every == 0:
                    self.tell(means.take(), skipped, bar)
                if self.main and not signal:
                    self.look(done=self.progress() == 1)
                if self.main and now - saved >= 60 * config.engine.checkpoint_minutes:
                    self.save()
                    saved = time.monotonic()
                last = time.monotonic()  # evaluation and saving are not training time
            if self.step > first and self.main:
                self.log({"step": self.step, "minutes": self.seconds / 60, "saved": str(self.save())})
            self.accelerator.wait_for_everyone()
        # or gloo's threads, still running when Python ends, may abort a process that has done its work
        self.accelerator.state.destroy_process_group()
        return signal

    def tell(self, means: dict[str, float], skipped: Counter, bar) -> None:
        """Log the means since the last time, the pace, and what was skipped so far, of all processes."""
        if self.world > 1:
            values = torch.tensor(list(means.values()), dtype=torch.float64, device=self.device)
            means = dict(zip(means, self.accelerator.reduce(values, "mean").tolist(), strict=True))
            skipped = sum(map(Counter, gather_object([dict(skipped)])), Counter())
        left = self.seconds * (1 / self.progress() - 1)
        values = means | {
            "lr": self.learning_rate(self.config.optimizer.learning_rate),
            "memory_gb": run.memory(self.device),
            "minutes": self.seconds / 60,
            "minutes_left": left / 60,
        }
        if skipped:
            values["skipped"] = dict(skipped)
        self.log({"step": self.step} | values)
        bar.total = round(self.step / self.progress())  # by the clock, where that ends the run
        bar.set_postfix(
            audio=f"{means['audio_hours_per_hour']:.0f} h/h",
            memory=f"{values['memory_gb']:.1f} GB",
            refresh=False,
        )

    def look(self, done: bool) -> None:
        """Validate, evaluate and show samples of the averaged model, each when it is due."""
        watch, step = self.config.watch, self.step
        if watch.validate_every and (step % watch.validate_every == 0 or done):
            values = self.task.validate(self.average)
            if values:
                self.log({"step": step} | values)
        if watch.eval_every and (step % watch.eval_every == 0 or done):
            values = self.task.evaluate(self.average)
            if values:
                self.log({"step": step} | values)
                rate = values.get("wer_masked", min(values.values()))
                if rate <= self.best:  # of equals the later, which has learnt longer
                    self.best = rate
                    self.save("best.pt")
        if watch.sample_every and (step % watch.sample_every == 0 or done):
            folder = self.out / "samples" / f"step-{step:08d}"
            if self.task.show(self.average, folder):
                run.track_samples(self.accelerator, folder, step)

    def train_step(self, batches: list) -> dict[str, Tensor | float]:
        """One optimizer step of each turn on this process's batches.

        Returns the gradients' norms, and what the losses are the means of over the processes.

        A loss is its sum over all processes' batches, divided by its count over all of them: the same
        gradient, however the batches are dealt out.
        """
        counts = self.total(batches)
        values: dict[str, Tensor | float] = {}
        for turn in self.task.turns(self.step):
            loss, optimizer = self.wrapped[turn], self.optimizers[turn]
            weights = self.task.weights(turn, self.step)
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate(self.task.rates[turn])
            optimizer.zero_grad(set_to_none=True)
            for i, batch in enumerate(batches):
                last = i == len(batches) - 1
                with nullcontext() if last else self.accelerator.no_sync(loss):
                    with run.out_of_memory(self.device):
                        sums = loss(batch, weights)
                    shares = {name: value / max(1.0, counts[name]) for name, value in sums.items()}
                    # DistributedDataParallel averages over the processes what is to be added up
                    objective = self.world * sum(weights[name] * value for name, value in shares.items())
                    if not getattr(objective, "requires_grad", False):
                        raise UserError(
                            f"no loss reaches what is trained at step {self.step}: see frozen and [loss]"
                        )
                    with run.out_of_memory(self.device):
                        self.accelerator.backward(objective)
                for name, value in shares.items():
                    values[name] = values.get(name, 0.0) + self.world * value.detach()
            trained = [p for group in optimizer.param_groups for p in group["params"]]
            norm = self.accelerator.clip_grad_norm_(trained, self.config.optimizer.clip)
            optimizer.step()
            self.check(turn, norm, optimizer.step_was_skipped)
            values["gradient" if turn == "model" else f"gradient_{turn}"] = norm
        run.update_average(self.average, self.task.model, self.step, self.config.optimizer.ema)
        self.step += 1
        self.position += self.world * len(batches)
        return values

    def check(self, turn: str, norm: Tensor, step_was_skipped: bool) -> None:
        """Raise UserError for a gradient that is not finite: every process has the same, so all end."""
        self.skipped_steps = self.skipped_steps + 1 if step_was_skipped else 0
        if self.skipped_steps >= SKIPPED_STEPS or not (step_was_skipped or torch.isfinite(norm)):
            raise UserError(
                f"the gradient of the loss ({turn}) is not finite at step {self.step}; earlier checkpoints "
                "are intact: lower the learning rate, or start again with engine.precision=fp32"
            )

    def total(self, batches: list) -> dict[str, float]:
        """The counts over all batches of all processes."""
        counts = Counter()
        for batch in batches:
            counts.update(batch.counts)
        if self.world > 1:
            summed = self.accelerator.reduce(torch.tensor(list(counts.values()), device=self.device))
            counts = dict(zip(counts, summed.tolist(), strict=True))
        return dict(counts)

    def agree(self, received: list[int]) -> int:
        """The signal that any process got; also sets every clock by the main process's."""
        signal = received[0] if received else 0
        if self.world > 1:
            # float64: in float32 the hundredths of a second of a step are lost after a day
            shared = torch.tensor([self.seconds, signal], dtype=torch.float64, device=self.device)
            shared = self.accelerator.gather(shared[None])
            self.seconds, signal = float(shared[0, 0]), int(shared[:, 1].max())
        return signal

    def log(self, entry: dict) -> None:
        """One line to log.jsonl, one to the terminal, and the numbers to the trackers."""
        if not self.main:
            return
        run.append_log(self.out / "log.jsonl", entry)
        numbers = {k: v for k, v in entry.items() if isinstance(v, (int, float)) and k != "step"}
        if "step" in entry and numbers:
            self.accelerator.log(numbers, step=entry["step"])
        shown = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        run.say(" ".join(shown))
