"""python -m nanospeech_torch.evaluate: a model's errors, similarity, quality and speed on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

PROG = "python -m nanospeech_torch.evaluate"


def load(model: str | None, precision: str = "float32"):
    """The model and the device it runs on; imported here, so that --help needs no framework."""
    try:
        from . import Nanospeech
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error
    import torch

    from .threads import set_threads

    if model is not None and model.endswith(".pt"):
        from .training.load_model import load_model

        speaker = load_model(model)
        speaker.set_precision(precision)
    else:
        speaker = Nanospeech.from_pretrained(model, precision=precision)
    if torch.cuda.is_available():
        return speaker.to("cuda"), torch.cuda.get_device_name()
    set_threads(speaker)
    return speaker, f"cpu ({torch.get_num_threads()} threads)"


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    from nanospeech_core.cli import evaluate

    return evaluate.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
