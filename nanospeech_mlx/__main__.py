"""python -m nanospeech_mlx: which commands there are."""

from __future__ import annotations

import sys

from nanospeech_core import commands

OWN = {"chat": "talk with a language model, which is heard while it writes"}


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return commands.run("nanospeech_mlx", OWN, argv)


if __name__ == "__main__":
    sys.exit(main())
