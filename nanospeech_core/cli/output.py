"""The output and the exit codes of all commands."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import OUT_OF_MEMORY, UserError, is_out_of_memory
from ..system.process import drop_output, note


def guard(command: Callable[[], None], prog: str, quiet: bool) -> int:
    """Run a command. A UserError is one line on stderr, as is each warning unless `quiet`.

    Args:
        command: the work.
        prog: the program's name, which begins each line.
        quiet: print no warnings.
    Returns:
        the exit code: 0, 1 after a UserError or without memory, 130 after Ctrl-C, 141 after a closed pipe.
    """

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        if not quiet:
            note(f"{prog}: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # print warnings, even with `python -W error`
        warnings.showwarning = show
        try:
            command()
            return 0
        except UserError as error:
            note(f"{prog}: {' '.join(str(error).split())}")
            return 1
        except KeyboardInterrupt:
            note(f"{prog}: interrupted")
            return 130
        except BrokenPipeError:
            drop_output()
            return 141
        except OSError as error:  # of a file that was not checked before
            place = "" if error.filename is None else f"{error.filename}: "
            note(f"{prog}: {place}{error.strerror or error}")
            return 1
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            note(f"{prog}: {OUT_OF_MEMORY}")
            return 1


def print_result(result: object, end: str = "\n") -> None:
    """Print a command's result. Raises UserError if standard output cannot be written."""
    if sys.stdout is None:  # closed before the start
        raise UserError("cannot write to standard output: it is closed")
    try:
        print(result, end=end, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise UserError(f"cannot write to standard output: {error.strerror or error}") from error


def version() -> str:
    """The version of this package, as installed."""
    from importlib import metadata

    try:
        return metadata.version("nanospeech-mar")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add the flag --version."""
    parser.add_argument(
        "--version",
        action="version",
        version=f"nanospeech-mar {version()}",
        help="print the version and exit",
    )
