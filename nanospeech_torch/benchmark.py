"""python -m nanospeech_torch.benchmark: how fast a model speaks on PyTorch, and how much work it is."""

from __future__ import annotations

import sys

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

PROG = "python -m nanospeech_torch.benchmark"


def prepare() -> None:
    """Import the framework; not before, so that --help needs none."""
    try:
        from . import Nanospeech  # noqa: F401
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error


def load(model: str | None, precision: str, compile: bool = False):
    """The model, ready to speak, in a precision as `Nanospeech.set_precision` takes it."""
    import torch

    from . import Nanospeech
    from .threads import set_threads

    speaker = Nanospeech.from_pretrained(model, compile=compile, precision=precision)
    if torch.cuda.is_available():
        speaker = speaker.to("cuda")
        torch.cuda.synchronize()
    set_threads(speaker)
    return speaker


def counted() -> dict[str, tuple[object, str]]:
    """What is counted: see `nanospeech_core.evaluation.counting.counting`."""
    from .models.diffloss import SimpleMLPAdaLN
    from .models.dit import DiT

    return {
        "transformer": (DiT, "hidden"),
        "diffusion_head": (SimpleMLPAdaLN, "denoise"),
    }


def reset_peak_memory() -> None:
    """Begin to watch the memory that PyTorch holds on a GPU."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int | None:
    """The most bytes that PyTorch has held on the GPU since; None without one."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def facts() -> dict:
    """What runs the model."""
    import torch

    device = f"cpu ({torch.get_num_threads()} threads)"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return {"backend": "nanospeech_torch", "device": device}


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    from nanospeech_core.cli import benchmark

    backend = benchmark.Backend(prepare, load, counted, reset_peak_memory, peak_memory, facts)
    return benchmark.run(backend, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
