"""python -m nanospeech_torch.generate: speak on PyTorch."""

from __future__ import annotations

import sys

from nanospeech_core import cli


def load(model: str | None):
    """The model to speak with; imported here, so that --help needs no framework."""
    from .nanospeech import Nanospeech

    return Nanospeech.from_pretrained(model)


def main(argv: list[str] | None = None) -> int:
    """The console script `nanospeech-torch`."""
    return cli.run(load, argv, prog="python -m nanospeech_torch.generate")


if __name__ == "__main__":
    sys.exit(main())
