"""python -m nanospeech_mlx.book: an audiobook, on MLX."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import load


@command("python -m nanospeech_mlx.book")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.book.run`."""
    from nanospeech_core.cli import book

    return book.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
