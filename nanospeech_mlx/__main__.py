"""python -m nanospeech_mlx: which commands there are."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command


@command("python -m nanospeech_mlx")
def main(argv: list[str] | None = None) -> int:
    """The command."""
    from nanospeech_core.cli import commands

    return commands.run("nanospeech_mlx", argv)


if __name__ == "__main__":
    sys.exit(main())
