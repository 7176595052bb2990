"""Paths that are not regular files: standard input and output (-), pipes, devices.

Output written to them cannot be replaced or deleted. Input can be read only once.
"""

from __future__ import annotations

import io
import os
import re
import select
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError

STANDARD = "-"


def descriptor(path: str | os.PathLike, standard: int = 1) -> int | None:
    """The file descriptor that a path stands for; None: it is an ordinary path.

    Args:
        path: -, /dev/stdout, /dev/fd/63 and the like; ./- is a file of that name.
        standard: the meaning of -: 1 (standard output) to write, 0 (standard input) to read.
    """
    name = os.fspath(path)
    descriptors = {STANDARD: standard, "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
    if name in descriptors:
        return descriptors[name]
    match = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", str(name))
    return int(match[1]) if match else None


def is_stream(path: str | os.PathLike) -> bool:
    """Whether a path is an open file, a pipe or a device, not an existing or new file or folder."""
    if descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_terminal(path: str | os.PathLike) -> bool:
    """Whether a path is a terminal."""
    number = descriptor(path)
    return number is not None and os.isatty(number)


def display_name(path: str | os.PathLike, standard: int = 1) -> str:
    """The path in a message."""
    return f"standard {('input', 'output')[standard]}" if os.fspath(path) == STANDARD else os.fspath(path)


def display_target(path: str | os.PathLike) -> str:
    """The path in a message that begins with "cannot write": "FILE", or "to standard output"."""
    return f"to {display_name(path)}" if os.fspath(path) == STANDARD else display_name(path)


def check_stream(path: str | os.PathLike) -> None:
    """Raise UserError if a stream cannot be written to."""
    number = descriptor(path)
    try:
        if number is None and not os.access(path, os.W_OK):
            raise UserError(f"cannot write {path}: no permission")
        if number is not None:
            _check_open(number)
            os.fstat(number)
    except OSError as error:
        raise UserError(f"cannot write {display_target(path)}: {error.strerror or error}") from error


def _check_open(number: int) -> None:
    """Raise OSError for a closed standard stream, whose number another file may have by now."""
    if number < 3 and (sys.stdin, sys.stdout, sys.stderr)[number] is None:
        raise OSError("it is closed")


@contextmanager
def open_stream(path: str | os.PathLike) -> Iterator[io.FileIO]:
    """Open a stream for unbuffered writing. Raises OSError."""
    number = descriptor(path)
    if number is not None:
        _check_open(number)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        number = os.dup(number)
    with open(path if number is None else number, "wb", buffering=0) as stream:
        yield stream


def write_all(stream: io.FileIO, data: bytes) -> None:
    """Write all data. One `write` to a pipe may take a part, or nothing (None) while the pipe is full."""
    rest = memoryview(data)
    while rest:
        taken = stream.write(rest)
        if taken is None:
            select.select([], [stream], [])
        rest = rest[taken or 0 :]


@contextmanager
def temporary_for_stream(path: str | os.PathLike) -> Iterator[Path]:
    """The path of a temporary file. If the block succeeds, the file is copied to the stream."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, Path(path).name)
        yield temporary
        with open(temporary, "rb") as file, open_stream(path) as stream:
            while block := file.read(1 << 20):
                write_all(stream, block)


@contextmanager
def seekable(path: str | os.PathLike) -> Iterator[str | os.PathLike]:
    """The path of a file that can be read repeatedly: `path`, or a copy of a stream. Raises OSError."""
    if not is_stream(path):
        yield path
        return
    number = descriptor(path, 0)
    if number is not None:
        _check_open(number)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "stream" + Path(path).suffix)
        source = open(path, "rb") if number is None else open(number, "rb", closefd=False)
        with source, open(copy, "wb") as file:
            shutil.copyfileobj(source, file)
        yield copy
