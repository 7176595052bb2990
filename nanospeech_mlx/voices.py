"""python -m nanospeech_mlx.voices: your own voices, from recordings, on MLX."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import load


@command("python -m nanospeech_mlx.voices")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.voices.run`."""
    from nanospeech_core.cli import voices

    return voices.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
