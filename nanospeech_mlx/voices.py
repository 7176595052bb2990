"""python -m nanospeech_mlx.voices: voices of one's own, from recordings."""

from __future__ import annotations

import sys

from nanospeech_core import voice_commands

from .generate import load


def main(argv: list[str] | None = None) -> int:
    """add, list, remove and export."""
    return voice_commands.run(load, argv, prog="python -m nanospeech_mlx.voices")


if __name__ == "__main__":
    sys.exit(main())
