"""python -m nanospeech_mlx.benchmark: measure how fast a model speaks, on MLX."""

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
    """The model, ready to speak: weights are read, kernels are compiled."""
    pipeline = load_checkpoint(model, compile=compile, precision=precision)
    import mlx.core as mx

    from .device import kernels

    mx.eval(pipeline.parameters())
    compiler = kernels.compile_in_background(pipeline)
    if compiler is not None:
        compiler.join()
    pipeline.compiled = kernels.use_compiled(pipeline.compiled)
    return pipeline


def call_targets() -> Targets:
    """The functions whose calls are counted, for `nanospeech_core.evaluation.counting.count_calls`."""
    import mlx.core as mx

    from .models.diffloss import SimpleMLPAdaLN
    from .models.dit import DiT

    return {
        "transformer": (DiT, "hidden"),
        "diffusion_head": (SimpleMLPAdaLN, "denoise"),
        "mx_eval": (mx, "eval"),
    }


def reset_peak_memory() -> None:
    """Start a new measurement of MLX's peak memory."""
    import mlx.core as mx

    mx.reset_peak_memory()


def peak_memory() -> int | None:
    """MLX's peak memory since `reset_peak_memory`, in bytes."""
    import mlx.core as mx

    return mx.get_peak_memory()


def device_info() -> dict:
    """The entries of the report that describe the backend and its device."""
    from pathlib import Path

    from .device.blas import use_fast_blas

    blas = use_fast_blas()
    name = None if blas is None else Path(blas).name
    return {"backend": "nanospeech_mlx", "device": device_name(), "blas": name}


def default_precision() -> str:
    """What `from_pretrained` uses on this device."""
    from .device.defaults import defaults

    return defaults().precision


@command("python -m nanospeech_mlx.benchmark")
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
