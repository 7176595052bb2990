"""The process around a command: signals that end it cleanly, streams that take any text.

Of the standard library only, so that it is there before the imports that take long.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

ENDING = ("SIGTERM", "SIGHUP")  # by `kill`, a container's stop, a closed terminal
Main = Callable[..., int]


def command(name: str) -> Callable[[Main], Main]:
    """Decorate a command's `main(argv) -> exit code`, whatever machine it finds itself on.

    Ctrl-C anywhere in it is one line and the exit code 130. SIGTERM and SIGHUP end it through its `finally`
    blocks, which delete what is half-written, with 128 + the signal. Characters that standard output's
    encoding lacks are printed as escapes (`\\u5c0f`).

    name: the command's in messages.
    """

    def decorate(main: Main) -> Main:
        @functools.wraps(main)
        def wrapped(argv: Sequence[str] | None = None) -> int:
            with lenient_streams(), ending_signals():
                try:
                    if not _in_a_folder():
                        note(f"{name}: the folder that this is run in does not exist any more: cd to another")
                        return 1
                    code = main(argv)
                except SystemExit as stop:  # of argparse, after --help and mistakes
                    failed = _flush(name)
                    if stop.code or not failed:
                        raise
                    return failed
                except KeyboardInterrupt:
                    note(f"{name}: interrupted")
                    return 130
                return code or _flush(name)

        return wrapped

    return decorate


@contextmanager
def importing(module: str, name: str) -> Iterator[None]:
    """Around the imports of a module that is a command and more: Ctrl-C ends the command that it is.

    Args:
        module: its `__name__`; where that is not "__main__", this does nothing.
        name: the command's in messages.
    Raises:
        SystemExit: 130, after Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        if module != "__main__":
            raise
        note(f"{name}: interrupted")
        raise SystemExit(130) from None


def note(line: str) -> None:
    """Print a line on stderr, or nowhere where that takes nothing: the exit code tells the rest."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


@contextmanager
def ending_signals() -> Iterator[None]:
    """In the block, ENDING raise SystemExit, where they would have ended the process at once.

    Outside the main thread, which alone gets signals, nothing changes.
    """

    def end(number, frame) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    changed = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def lenient_streams() -> Iterator[None]:
    """In the block, standard output and stderr are open, and take every character.

    An output file must not get the number of a closed stream: what a C library prints would be written into
    it. `sys.stdout` stays None where it was closed, since an answer on it is then an error (`cli.tell`).
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (for as long as the process)
    changed = []
    for stream in (sys.stdout, sys.stderr):
        errors = getattr(stream, "errors", None)
        if errors in ("strict", "surrogateescape") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
            changed.append((stream, errors))
    try:
        yield
    finally:
        for stream, errors in changed:
            with suppress(ValueError, OSError):  # it was closed, or is full
                stream.reconfigure(errors=errors)


def _in_a_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    except OSError:  # one that may not be looked at
        pass
    return True


def _flush(name: str) -> int:
    """Write out what standard output holds: 0, or the exit code where it does not take it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        return 0
    except BrokenPipeError:
        drop_output()
        return 141
    except (OSError, ValueError) as error:
        drop_output()
        note(f"{name}: cannot write to standard output: {getattr(error, 'strerror', None) or error}")
        return 1


def drop_output() -> None:
    """Send what standard output did not take nowhere: else the flush at exit fails too."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
