"""python -m nanospeech_mlx.benchmark: how fast a model speaks on MLX, and how much work it is."""

from __future__ import annotations

import sys

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

PROG = "python -m nanospeech_mlx.benchmark"


def prepare() -> None:
    """Import the framework; not before, so that --help needs none."""
    try:
        from . import Nanospeech  # noqa: F401
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error


def load(model: str | None, precision: str, compile: bool = False):
    """The model, ready to speak, in a precision as `Nanospeech.set_precision` takes it."""
    import mlx.core as mx

    from . import Nanospeech
    from .device import kernels

    speaker = Nanospeech.from_pretrained(model, compile=compile, precision=precision)
    mx.eval(speaker.parameters())
    compiler = kernels.compile_in_background(speaker)
    if compiler is not None:
        compiler.join()
    return speaker


def counted() -> dict[str, tuple[object, str]]:
    """What is counted: see `nanospeech_core.evaluation.counting.counting`."""
    import mlx.core as mx

    from .models.diffloss import SimpleMLPAdaLN
    from .models.dit import DiT

    return {
        "transformer": (DiT, "hidden"),
        "diffusion_head": (SimpleMLPAdaLN, "denoise"),
        "mx_eval": (mx, "eval"),
    }


def reset_peak_memory() -> None:
    """Begin to watch the memory that MLX holds."""
    import mlx.core as mx

    mx.reset_peak_memory()


def peak_memory() -> int | None:
    """The most bytes that MLX has held since."""
    import mlx.core as mx

    return mx.get_peak_memory()


def facts() -> dict:
    """What runs the model."""
    from pathlib import Path

    import mlx.core as mx

    from .device.blas import use_fast_blas

    blas = use_fast_blas()
    name = None if blas is None else Path(blas).name
    return {"backend": "nanospeech_mlx", "device": str(mx.default_device()), "blas": name}


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    from nanospeech_core.cli import benchmark

    backend = benchmark.Backend(prepare, load, counted, reset_peak_memory, peak_memory, facts)
    return benchmark.run(backend, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
