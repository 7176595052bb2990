"""`python -m nanospeech_{mlx,torch}` alone: list the backend's commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import output
from .commands import COMMANDS


def run(backend: str, argv: Sequence[str] | None, prog: str) -> int:
    """Print one line per command.

    Args:
        backend: one of `BACKENDS`.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after an argument other than --help and --version, 0 after these.
    """
    rows = {
        command.python_line(backend if command.backends else None): command.summary
        for command in COMMANDS
        if backend in command.backends or not command.backends
    }
    width = max(map(len, rows))
    listed = "\n".join(f"{line:{width}}  {summary}" for line, summary in rows.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog}.COMMAND [--help]",
        epilog=listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output.add_version(parser)
    parser.parse_args(argv)
    return output.guard(lambda: output.print_result(listed), prog, quiet=False)
