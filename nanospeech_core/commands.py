"""`python -m nanospeech_{mlx,torch}` by itself: which commands there are."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from . import cli

SHARED = {
    "generate": "speak a text, or each line of a file",
    "edit": "change words in a recording",
    "voices": "add, list, remove and export voices of your own",
    "benchmark": "how fast a model speaks",
    "evaluate": "how well it speaks: misheard words, similarity, quality",
}


def run(package: str, own: Mapping[str, str], argv: Sequence[str] | None) -> int:
    """Print a line for each command.

    Args:
        package: the backend's.
        own: what its modules do that the other backend does not have.
        argv: the arguments, without the program's name; None: those of the process.
    Returns:
        the exit code of `cli.guard`.
    Raises:
        SystemExit: 2 after an argument, of which there are none; 0 after --help and --version.
    """
    prog = f"python -m {package}"
    commands = {f"{prog}.{name}": does for name, does in (SHARED | own).items()}
    commands["python -m convert"] = "checkpoints from one backend to the other, and to fewer bits"
    width = max(map(len, commands))
    listed = "\n".join(f"{command:{width}}  {does}" for command, does in commands.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog}.COMMAND [--help]",
        epilog=listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {cli.version()}")
    parser.parse_args(argv)
    return cli.guard(lambda: cli.tell(listed), prog, quiet=False)
