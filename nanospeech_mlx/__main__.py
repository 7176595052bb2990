"""python -m nanospeech_mlx: list the commands on MLX."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command


@command("python -m nanospeech_mlx")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.dispatch.backend_main.run`."""
    from nanospeech_core.cli.dispatch import backend_main

    return backend_main.run("mlx", argv, prog)


if __name__ == "__main__":
    sys.exit(main())
