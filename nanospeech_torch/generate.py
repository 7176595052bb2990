"""python -m nanospeech_torch.generate: speak, on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import load


@command("python -m nanospeech_torch.generate")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.generate.run`."""
    from nanospeech_core.cli import generate

    return generate.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
