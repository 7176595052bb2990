"""python -m nanospeech_torch.evaluate: measure how well a model speaks, on PyTorch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command

from .load import device_name, import_backend
from .load import load as load_checkpoint

if TYPE_CHECKING:
    from .nanospeech import Nanospeech


def load(model: str | None, precision: str = "float32") -> tuple[Nanospeech, str]:
    """The model and the name of its device; `model` may be a training checkpoint, step-N.pt."""
    if model is None or not model.endswith(".pt"):
        return load_checkpoint(model, precision=precision), device_name()
    import_backend()
    from .threads import place
    from .training.load_model import load_model

    pipeline = load_model(model)
    pipeline.set_precision(precision)
    return place(pipeline), device_name()


@command("python -m nanospeech_torch.evaluate")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.evaluate.run`."""
    from nanospeech_core.cli import evaluate

    return evaluate.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
