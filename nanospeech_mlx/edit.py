"""python -m nanospeech_mlx.edit: change words in a recording on MLX."""

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
    return Nanospeech.from_pretrained(model, vocoder=vocoder)


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return edit.run(load, argv, prog="python -m nanospeech_mlx.edit")


if __name__ == "__main__":
    sys.exit(main())
