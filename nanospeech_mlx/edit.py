"""python -m nanospeech_mlx.edit: change words in a recording on MLX."""

from __future__ import annotations

import sys

from nanospeech_core import edit

from .generate import load

PROG = "python -m nanospeech_mlx.edit"


def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    return edit.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
