"""`python -m nanospeech_{mlx,torch}` by itself: which commands there are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

SHARED = {
    "generate": "speak a text, or each line of a file",
    "edit": "change words in a recording",
    "voices": "add, list, remove and export voices of your own",
    "benchmark": "how fast a model speaks",
    "evaluate": "how well it speaks: misheard words, similarity, quality",
}
OWN = {  # what the other backend does not have
    "nanospeech_mlx": {"chat": "talk with a language model, which is heard while it writes"},
    "nanospeech_torch": {
        "prepare": "recordings and texts to shards for training",
        "train": "train a model, a vocoder or an aligner",
        "report": "a training run as one HTML page",
        "export": "a training run to a checkpoint folder",
        "training.aligner.boundaries": "how well an aligner tells what is spoken when",
        "training.vocoder.predicted_mels": "mels as a model speaks them, for a vocoder to learn from",
    },
}
CONVERT = "checkpoints from one backend to the other, and to fewer bits"


def run(package: str, argv: Sequence[str] | None) -> int:
    """Print a line for each command.

    Args:
        package: the backend's.
        argv: the arguments, without the program's name; None: those of the process.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after an argument, of which there are none; 0 after --help and --version.
    """

    from . import output  # here, so that `main` lists the commands without numpy

    prog = f"python -m {package}"
    commands = {f"{prog}.{name}": does for name, does in (SHARED | OWN[package]).items()}
    commands["python -m convert"] = CONVERT
    width = max(map(len, commands))
    listed = "\n".join(f"{command:{width}}  {does}" for command, does in commands.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog}.COMMAND [--help]",
        epilog=listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {output.version()}")
    parser.parse_args(argv)
    return output.guard(lambda: output.print_result(listed), prog, quiet=False)
