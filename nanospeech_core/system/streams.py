"""Where a file is named and something else is meant: standard input and output (-), pipes, devices.

What is written to them cannot be replaced or taken back; what is read from them can be read once.
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
    """The number of the open file that a path stands for; None: it is a path like others.

    Args:
        path: -, /dev/stdout, /dev/fd/63 and the like; ./- is a file of that name.
        standard: what - is: 1 to be written, 0 to be read.
    """
    name = os.fspath(path)
    known = {STANDARD: standard, "/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
    if name in known:
        return known[name]
    match = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", str(name))
    return int(match[1]) if match else None


def is_stream(path: str | os.PathLike) -> bool:
    """Whether it is an open file, a pipe or a device: no file or folder that is there, or could be."""
    if descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_terminal(path: str | os.PathLike) -> bool:
    """Whether what is written there is read by eye."""
    number = descriptor(path)
    return number is not None and os.isatty(number)


def shown(path: str | os.PathLike, standard: int = 1) -> str:
    """The path as it is told."""
    return f"standard {('input', 'output')[standard]}" if os.fspath(path) == STANDARD else os.fspath(path)


def goal(path: str | os.PathLike) -> str:
    """The path as what cannot be written: a message says "cannot write ...", or "cannot write to ..."."""
    return f"to {shown(path)}" if os.fspath(path) == STANDARD else shown(path)


def check_stream(path: str | os.PathLike) -> None:
    """Raise UserError unless it can be written to."""
    number = descriptor(path)
    try:
        if number is None and not os.access(path, os.W_OK):
            raise UserError(f"cannot write {path}: no permission")
        if number is not None:
            _check_open(number)
            os.fstat(number)
    except OSError as error:
        raise UserError(f"cannot write {goal(path)}: {error.strerror or error}") from error


def _check_open(number: int) -> None:
    """A standard stream that was closed before the start may be another file by now."""
    if number < 3 and (sys.stdin, sys.stdout, sys.stderr)[number] is None:
        raise OSError("it is closed")


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[io.FileIO]:
    """A stream to write to, without a buffer. Raises OSError."""
    number = descriptor(path)
    if number is not None:
        _check_open(number)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        number = os.dup(number)
    with open(path if number is None else number, "wb", buffering=0) as stream:
        yield stream


def pour(stream: io.FileIO, data: bytes) -> None:
    """Write all of it: a pipe may take a part, or (None) have no room yet."""
    rest = memoryview(data)
    while rest:
        taken = stream.write(rest)
        if taken is None:
            select.select([], [stream], [])
        rest = rest[taken or 0 :]


@contextmanager
def poured(path: str | os.PathLike) -> Iterator[Path]:
    """The path of a temporary file, which is written to the stream when the block ends well."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, Path(path).name)
        yield temporary
        with open(temporary, "rb") as file, opened(path) as stream:
            while block := file.read(1 << 20):
                pour(stream, block)


@contextmanager
def seekable(path: str | os.PathLike) -> Iterator[str | os.PathLike]:
    """The path of a file that can be read again and again: `path`, or a copy of what a stream gives.

    Raises OSError.
    """
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
