"""python -m nanospeech_mlx.evaluate: measure how well a model speaks, on MLX."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

from .load import device_name
from .load import load as load_checkpoint

if TYPE_CHECKING:
    from .nanospeech import Nanospeech


def load(model: str | None, precision: str = "float32") -> tuple[Nanospeech, str]:
    """The model and the name of its device."""
    if model is not None and model.endswith(".pt"):
        raise UserError(
            f"{model} is a training checkpoint, which only PyTorch reads: convert it with "
            "python -m nanospeech_torch.export, or evaluate it with python -m nanospeech_torch.evaluate"
        )
    return load_checkpoint(model, precision=precision), device_name()


@command("python -m nanospeech_mlx.evaluate")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.evaluate.run`."""
    from nanospeech_core.cli import evaluate

    return evaluate.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
