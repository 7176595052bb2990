"""python -m nanospeech_torch.edit: change words in a recording, on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command

from .load import load


@command("python -m nanospeech_torch.edit")
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command; see `nanospeech_core.cli.edit.run`."""
    from nanospeech_core.cli import edit

    return edit.run(load, argv, prog)


if __name__ == "__main__":
    sys.exit(main())
