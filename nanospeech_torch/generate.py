"""python -m nanospeech_torch.generate: speak on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.errors import UserError
from nanospeech_core.system.process import command

PROG = "python -m nanospeech_torch.generate"

PROG = "python -m nanospeech_torch.generate"


def load(model: str | None, vocoder: str | None, compile: bool = False, precision: str = "float32"):
    """The model to speak with; imported here, so that --help needs no framework."""
    try:
        from . import Nanospeech
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error
    import torch

    from .threads import set_threads

    speaker = Nanospeech.from_pretrained(model, vocoder=vocoder, compile=compile, precision=precision)
    if torch.cuda.is_available():
        speaker = speaker.to("cuda")
    set_threads(speaker)
    return speaker


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    from nanospeech_core.cli import generate as cli

    return cli.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
