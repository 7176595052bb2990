"""What every training run has: a device, a schedule, averaged weights, a log, and a way to be stopped."""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from nanospeech_core.errors import UserError


def make_accelerator(engine, trackers: Sequence[str], out: Path):
    """accelerate's `Accelerator` for the `EngineConfig`: devices, processes and precision.

    Raises:
        UserError: a device, a precision or a tracker that is not to be had here.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs

    if engine.threads:
        torch.set_num_threads(engine.threads)
    device = choose_device(engine.device)
    if engine.precision == "fp16" and device.type == "cpu":
        raise UserError("config: engine.precision fp16 needs a GPU; on a CPU use bf16 or fp32")
    for tracker in trackers:
        if not find_spec({"tensorboard": "tensorboard", "wandb": "wandb"}[tracker]):
            raise UserError(f"config: watch.trackers names {tracker}: pip install {tracker}")
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="no" if engine.precision == "fp32" else engine.precision,
        log_with=list(trackers) or None,
        project_dir=str(out),
        kwargs_handlers=[
            # a batch without rows of one path leaves that path's weights without gradient
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=timedelta(hours=2)),  # the others wait while the first evaluates
        ],
    )


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" is a GPU where there is one, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # an unknown name; a device that is not there
        raise UserError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from error
    return device


def memory(device: torch.device) -> float:
    """The peak so far in GB: of the GPU, or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


@contextmanager
def out_of_memory(device: torch.device) -> Iterator[None]:
    """A UserError where the device's memory does not suffice for what the block does."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{device} is out of memory: lower the size of a batch (data.batch_seconds; data.batch_size of "
            "a vocoder) and raise optimizer.accumulate instead, or set engine.checkpoint_activations=true"
        ) from error


def as_dict(config) -> dict:
    """A config as JSON has it: tuples are lists."""
    return json.loads(json.dumps(asdict(config)))


def progress(step: int, steps: int, seconds: float, minutes: float) -> float:
    """Share of a run that is over, 0 to 1: of its steps or (with `minutes`) its time, whichever is more."""
    by_clock = seconds / (60 * minutes) if minutes else 0.0
    return min(max(step / steps, by_clock), 1.0)


def learning_rate(step: int, done: float, peak: float, final: float, warmup: int) -> float:
    """A cosine from `peak` to `final` as `done` goes from 0 to 1, under a warm-up of `warmup` steps."""
    cosine = final + (peak - final) * 0.5 * (1 + math.cos(math.pi * done))
    return cosine * min(1.0, (step + 1) / max(1, warmup))


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """average <- d average + (1 - d) model; d = (1 + step) / (10 + step) of the steps done, up to `decay`."""
    d = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - d)


# what a run says


@contextmanager
def trackers(accelerator, config) -> Iterator[None]:
    """TensorBoard or Weights & Biases, as `config.watch.trackers` names them, while the block runs."""
    if config.watch.trackers:
        flat = {"out": config.out, "seed": config.seed, "learning_rate": config.optimizer.learning_rate}
        accelerator.init_trackers("nanospeech", config=flat)
    try:
        yield
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()


def track_samples(accelerator, folder: Path, step: int) -> None:
    if accelerator.trackers:
        from ..monitoring.trackers import log_samples

        log_samples(accelerator.trackers, folder, step)


def bar(engine):
    """A progress bar over the steps, on a terminal; it knows the time left."""
    from tqdm import tqdm

    hidden = not (engine.main and sys.stderr.isatty())
    return tqdm(total=engine.config.optimizer.steps, initial=engine.step, disable=hidden, unit="step")


def say(line: str) -> None:
    """A line on standard output that does not break the progress bar."""
    from tqdm import tqdm

    tqdm.write(line)
    sys.stdout.flush()


@contextmanager
def worker_deaths() -> Iterator[None]:
    """A UserError where a worker of the data loader has died: torch raises that anywhere in the block."""
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise UserError(
            "a worker process of the data loader died, most likely for want of memory; start again, with "
            "fewer engine.workers or a lower data.memory_hours (data.max_hours of a vocoder; "
            f"{str(error).splitlines()[0].rstrip('. ')})"
        ) from error


def append_log(path: Path, entry: dict) -> None:
    """Add one line of JSON; floats are rounded to 6 digits."""
    entry = {
        key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in entry.items()
    }
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that SIGINT and SIGTERM add their number to, so that a run can end between two steps.

    A second signal interrupts at once. Outside the main thread, which alone gets them, the list stays empty.
    """
    received: list[int] = []

    def note(number, frame) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
