"""python -m nanospeech_mlx.serve: speech over HTTP, on MLX."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import load


@command("python -m nanospeech_mlx.serve")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.serve.run`."""
    from nanospeech_core.cli import serve

    return serve.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
