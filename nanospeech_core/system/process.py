"""The process around a command: signals end it cleanly, output streams accept any text.

This module imports the standard library only, so that it takes effect before slow imports.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C; `kill` or a container's stop; a closed terminal
Main = Callable[..., int]


def command(name: str) -> Callable[[Main], Main]:
    """Decorate a command's `main(argv, prog) -> exit code`; both arguments become optional.

    Ctrl-C prints one line and gives the exit code 130. SIGTERM and SIGHUP run all `finally` blocks, which
    delete unfinished files, and give 128 + the signal's number. Characters missing from standard output's
    encoding are printed as escapes (`\\u5c0f`).

    name: the default of `prog`, the command's name in messages, as its user typed it.
    """

    def decorate(main: Main) -> Main:
        @functools.wraps(main)
        def wrapped(argv: Sequence[str] | None = None, prog: str = name) -> int:
            with lenient_streams():
                try:
                    with ending_signals(prog):
                        if _folder_was_deleted(prog):
                            return 1
                        code = main(argv, prog)
                except SystemExit as stop:  # of argparse, after --help and mistakes
                    failed = _flush(prog)
                    if stop.code or not failed:
                        raise
                    return failed
                except KeyboardInterrupt:
                    note(f"{prog}: interrupted")
                    return 130
                return code or _flush(prog)

        return wrapped

    return decorate


@contextmanager
def importing(module: str, name: str) -> Iterator[None]:
    """Around the imports of a command's module or package: Ctrl-C ends the command with one line.

    Args:
        module: its `__name__`. If it is not being run as a command, nothing is done: it is neither
            "__main__" nor a package of which `python -m` is about to run a module.
        name: the command's name in messages.
    Raises:
        SystemExit: 130 after Ctrl-C; 1 if the current folder was deleted.
    """
    part = sys.argv[:1] == ["-m"] and any(module in word for word in sys.orig_argv)
    if module != "__main__" and not part:
        yield
        return
    if _folder_was_deleted(name):  # some libraries abort the process if they are loaded there
        raise SystemExit(1)
    try:
        with ending_signals(name):
            yield
    except KeyboardInterrupt:
        note(f"{name}: interrupted")
        raise SystemExit(130) from None


def note(line: str) -> None:
    """Print a line on stderr. If stderr cannot be written, the line is dropped."""
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _drop(sys.stderr)


@contextmanager
def ending_signals(name: str) -> Iterator[None]:
    """In the block, SIGINT raises KeyboardInterrupt, the others of ENDING SystemExit, but not in an import.

    `import` holds locks. An exception at the wrong moment never releases them, and the next import blocks
    forever; it also makes PyTorch's C++ code abort the process. So the exception is raised after the import.
    A second signal before that ends the process at once.

    Signals with another handler are left alone, and all signals outside the main thread, which alone receives
    them.
    """
    import threading

    waiting, outside = 0, _imports(sys._getframe())

    def handle(number: int, frame: types.FrameType | None) -> None:
        nonlocal waiting
        if number != alarm:
            if waiting:
                note(f"{name}: interrupted")
                os._exit(128 + number)
            waiting = number
        if alarm and _imports(frame) > outside:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            return
        raise ended()

    def ended() -> BaseException:
        nonlocal waiting
        number, waiting = waiting, 0
        return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)

    alarm = getattr(signal, "SIGALRM", 0)
    if alarm and signal.getsignal(alarm) != signal.SIG_DFL:
        alarm = 0
    numbers = [number for word in ENDING if (number := getattr(signal, word, 0))]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    unhandled = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) in unhandled}
    if before and alarm:
        before[alarm] = signal.SIG_DFL
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        if waiting:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if waiting:
            raise ended()


def _imports(frame: types.FrameType | None) -> int:
    """How many nested imports a frame is in."""
    count = 0
    while frame is not None:
        count += frame.f_code.co_filename == "<frozen importlib._bootstrap>"
        frame = frame.f_back
    return count


@contextmanager
def lenient_streams() -> Iterator[None]:
    """In the block, standard output and stderr are open and accept every character.

    An output file must not get the number of a closed stream: the output of a C library would end up in it.
    A closed `sys.stdout` stays None, so that `output.print_result` reports it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (open until the process ends)
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


def _folder_was_deleted(name: str) -> bool:
    """Whether the current folder was deleted; if so, print a message."""
    try:
        os.getcwd()
    except FileNotFoundError:
        note(f"{name}: the current folder was deleted: cd to another")
        return True
    except OSError:  # no permission
        pass
    return False


def _flush(name: str) -> int:
    """Flush standard output. Returns 0, or the exit code if that fails."""
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
    """Discard what standard output did not take; else the flush at exit fails too."""
    _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
