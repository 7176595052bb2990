"""What every command prints, and its exit code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from ..errors import UserError
from ..system.process import drop_output, note


def guard(command: Callable[[], None], prog: str, quiet: bool) -> int:
    """Run a command's body: its UserError is one line on stderr, as is each warning unless `quiet`.

    Returns:
        the exit code: 0, 1 after a UserError, 130 after Ctrl-C, 141 when standard output is closed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # a message, though Python be told to raise warnings
        warnings.showwarning = lambda message, *_: quiet or note(f"{prog}: {message}")
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
        except OSError as error:  # of a file or folder that nobody looked at before
            place = "" if error.filename is None else f"{error.filename}: "
            note(f"{prog}: {place}{error.strerror or error}")
            return 1


def print_result(answer: object, end: str = "\n") -> None:
    """Print what a command was asked for. Raises UserError where standard output does not take it."""
    if sys.stdout is None:  # it was closed before the start
        raise UserError("cannot write to standard output: it is closed")
    try:
        print(answer, end=end, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise UserError(f"cannot write to standard output: {error.strerror or error}") from error


def version() -> str:
    """This package's, as it is installed."""
    from importlib import metadata

    try:
        return metadata.version("nanospeech-mar")
    except metadata.PackageNotFoundError:
        return "(not installed)"
