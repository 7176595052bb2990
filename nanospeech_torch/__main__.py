"""python -m nanospeech_torch: list the commands on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command


@command("python -m nanospeech_torch")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.dispatch.backend_main.run`."""
    from nanospeech_core.cli.dispatch import backend_main

    return backend_main.run("torch", argv, prog)


if __name__ == "__main__":
    sys.exit(main())
