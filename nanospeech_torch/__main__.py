"""python -m nanospeech_torch: which commands there are."""

from __future__ import annotations

import sys

from nanospeech_core.process import command

OWN = {
    "prepare": "recordings and texts to shards for training",
    "train": "train a model, a vocoder or an aligner",
    "report": "a training run as one HTML page",
    "export": "a training run to a checkpoint folder",
    "training.boundaries": "how well an aligner tells what is spoken when",
    "training.predicted": "mels as a model speaks them, for a vocoder to learn from",
}


@command("python -m nanospeech_torch")
def main(argv: list[str] | None = None) -> int:
    """The command."""
    from nanospeech_core import commands

    return commands.run("nanospeech_torch", OWN, argv)


if __name__ == "__main__":
    sys.exit(main())
