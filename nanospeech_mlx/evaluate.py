"""python -m nanospeech_mlx.evaluate: a model's errors, similarity, quality and speed on MLX."""

from __future__ import annotations

import sys

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

PROG = "python -m nanospeech_mlx.evaluate"


def load(model: str | None, precision: str = "float32"):
    """The model and the device it runs on; imported here, so that --help needs no framework."""
    if model is not None and model.endswith(".pt"):
        raise UserError(
            f"{model} is a training run's checkpoint: make a folder of it by "
            "python -m nanospeech_torch.export, or evaluate it by python -m nanospeech_torch.evaluate"
        )
    try:
        from . import Nanospeech
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error
    import mlx.core as mx

    return Nanospeech.from_pretrained(model, precision=precision), str(mx.default_device())


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    from nanospeech_core.cli import evaluate

    return evaluate.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
