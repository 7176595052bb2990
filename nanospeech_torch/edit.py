"""python -m nanospeech_torch.edit: change words in a recording on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core import edit
from nanospeech_core.errors import UserError


def load(model: str | None, vocoder: str | None):
    """The model to edit with; imported here, so that --help needs no framework."""
    try:
        from . import Nanospeech
    except ImportError as error:  # the framework is not installed
        raise UserError(str(error)) from error
    import torch

    speaker = Nanospeech.from_pretrained(model, vocoder=vocoder)
    return speaker.to("cuda") if torch.cuda.is_available() else speaker


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return edit.run(load, argv, prog="python -m nanospeech_torch.edit")


if __name__ == "__main__":
    sys.exit(main())
