"""The process that trains: its device, its memory, its worker processes, the signals that stop it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from nanospeech_core.errors import UserError, is_out_of_memory

from ..config import EngineConfig

BF16_FLAGS = {"avx512_bf16", "amx_bf16"}  # x86 CPUs that multiply bfloat16 in hardware


def make_accelerator(engine: EngineConfig, trackers: Sequence[str], out: Path) -> tuple[Any, str]:
    """accelerate's `Accelerator` (devices, processes and precision), and the precision: "fp32" if not mixed.

    Raises:
        UserError: a device, a precision or a tracker is not available.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs

    if engine.threads:
        torch.set_num_threads(engine.threads)
    device = find_device(engine.device)
    precision = find_precision(device) if engine.precision == "auto" else engine.precision
    if precision == "fp16" and device.type == "cpu":
        raise UserError("config: engine.precision fp16 needs a GPU; on a CPU use bf16 or fp32")
    for tracker in trackers:
        if not find_spec({"tensorboard": "tensorboard", "wandb": "wandb"}[tracker]):
            raise UserError(f"config: watch.trackers names {tracker}: pip install {tracker}")
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        log_with=list(trackers) or None,
        project_dir=str(out),
        kwargs_handlers=[
            # a batch without rows of one path leaves that path's weights without gradient
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=timedelta(hours=2)),  # the others wait while the first evaluates
        ],
    )
    return accelerator, precision


def find_device(name: str) -> torch.device:
    """The device of a name; "auto" is a GPU if there is one, else the CPU. Raises UserError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # an unknown name, or a device that is not there
        raise UserError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from error
    return device


def find_precision(device: torch.device) -> str:
    """The fastest safe precision of a device; on the same machine always the same.

    A CPU without units for bfloat16 emulates its products: a step then takes several times as long. With
    AVX512-BF16 it takes a tenth less than in float32, with the embedded model's sizes.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability()[0] >= 8 else "fp16"
    return "bf16" if device.type == "cpu" and BF16_FLAGS & cpu_flags() else "fp32"


def cpu_flags(path: str = "/proc/cpuinfo") -> set[str]:
    """The instruction sets of an x86 CPU as Linux names them; empty elsewhere."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return {flag for line in text.splitlines() if line.startswith("flags") for flag in line.split()[2:]}


def peak_memory(device: torch.device) -> float:
    """The peak memory so far in GB: of the GPU, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


@contextmanager
def out_of_memory_errors(device: torch.device) -> Iterator[None]:
    """Raise a UserError if the block runs out of the device's memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{device} is out of memory: lower the size of a batch (data.batch_seconds; data.batch_size of "
            "a vocoder) and raise optimizer.accumulate instead, or set engine.checkpoint_activations=true"
        ) from error


@contextmanager
def worker_errors() -> Iterator[None]:
    """Raise a UserError if a worker of the data loader dies or has no memory. A death is raised anywhere."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        in_worker = "DataLoader worker" in str(error)
        if not is_death_of_worker(error) and not (in_worker and is_out_of_memory(error)):
            raise
        raise UserError(
            "a worker process of the data loader died, most likely because memory ran out; start again with "
            "fewer engine.workers or a lower data.memory_hours (data.max_hours of a vocoder; "
            f"{str(error).splitlines()[0].rstrip('. ')})"
        ) from error


def is_death_of_worker(error: BaseException) -> bool:
    """Whether an exception is torch's that a worker of the data loader was killed."""
    return isinstance(error, RuntimeError) and str(error).startswith("DataLoader worker")


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that collects SIGINT and SIGTERM, so that a run can end between two steps.

    After a first signal, Ctrl-C interrupts at once. Another SIGTERM does not: a scheduler sends it to all
    processes of a job, and a launcher among them sends it on to this one. Only the main thread receives
    signals: elsewhere the list stays empty.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
