"""python -m nanospeech_mlx.edit: change words in a recording on MLX."""

from __future__ import annotations

import sys

from nanospeech_core import edit

from .generate import load


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return edit.run(load, argv, prog="python -m nanospeech_mlx.edit")


if __name__ == "__main__":
    sys.exit(main())
