"""python -m nanospeech_torch.edit: change words in a recording on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core import edit

from .generate import load


def main(argv: list[str] | None = None) -> int:
    """The command."""
    return edit.run(load, argv, prog="python -m nanospeech_torch.edit")


if __name__ == "__main__":
    sys.exit(main())
