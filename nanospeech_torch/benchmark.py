"""python -m nanospeech_torch.benchmark: measure how fast a model speaks, on PyTorch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command

from .load import device_name, import_backend
from .load import load as load_checkpoint

if TYPE_CHECKING:
    from nanospeech_core.evaluation.counting import Targets

    from .nanospeech import Nanospeech


def load(model: str | None, precision: str, compile: bool | None = None) -> Nanospeech:
    """The model, ready to speak: its weights are on the device."""
    pipeline = load_checkpoint(model, compile=compile, precision=precision)
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return pipeline


def call_targets() -> Targets:
    """The functions whose calls are counted, for `nanospeech_core.evaluation.counting.count_calls`."""
    from .models.diffloss import SimpleMLPAdaLN
    from .models.dit import DiT

    return {
        "transformer": (DiT, "hidden"),
        "diffusion_head": (SimpleMLPAdaLN, "denoise"),
    }


def reset_peak_memory() -> None:
    """Start a new measurement of the GPU's peak memory."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int | None:
    """The GPU's peak memory since `reset_peak_memory`, in bytes; None without a GPU."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def device_info() -> dict:
    """The entries of the report that describe the backend and its device."""
    return {"backend": "nanospeech_torch", "device": device_name()}


def default_precision() -> str:
    """What `from_pretrained` uses on this device."""
    return "float32"


@command("python -m nanospeech_torch.benchmark")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.benchmark.run`."""
    from nanospeech_core.cli import benchmark
    from nanospeech_core.evaluation.benchmark import BenchmarkBackend

    backend = BenchmarkBackend(
        import_backend, load, call_targets, reset_peak_memory, peak_memory, device_info, default_precision
    )
    return benchmark.run(backend, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
