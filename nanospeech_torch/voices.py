"""python -m nanospeech_torch.voices: voices of one's own, from recordings."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .generate import load

PROG = "python -m nanospeech_torch.voices"


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """add, list, remove and export."""
    from nanospeech_core.cli import voices as voice_commands

    return voice_commands.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
