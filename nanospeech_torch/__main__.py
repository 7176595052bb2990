"""python -m nanospeech_torch: which commands there are."""

from __future__ import annotations

import sys

from nanospeech_core import commands


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return commands.run("nanospeech_torch", argv)


if __name__ == "__main__":
    sys.exit(main())
