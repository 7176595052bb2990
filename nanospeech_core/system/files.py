"""Writing without half-written results: beside first, then renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .encodings import read_text
from .streams import check_stream, goal, is_stream, poured


def check_writable(path: str | os.PathLike) -> None:
    """Raise UserError unless a file can be expected to be written there: told before minutes of work."""
    if is_stream(path):
        return check_stream(path)
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir, no error where one may not look
        raise UserError(f"cannot write {path}: it is a folder")
    try:
        os.lstat(_beside(path))  # its name is the longer one
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    if not os.path.isdir(path.parent):
        raise UserError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write {path}: no permission to write in {path.parent}")


def split_lines(text: str) -> list[str]:
    """The lines of a file's text, cut at \\n, \\r\\n and \\r only; `str.splitlines` knows eight others."""
    return re.split(r"\r\n?|\n", text)


def json_lines(path: str | os.PathLike) -> Iterator[tuple[int, object]]:
    """The values of a JSONL file, each with the number of its line, from 1. Empty lines are passed over.

    Raises:
        UserError: the file cannot be read, has no values, or a line is no JSON.
    """
    lines = split_lines(read_text(path))
    if not any(line.strip() for line in lines):
        raise UserError(f"{path} is empty")
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                value = json.loads(line)
            except ValueError as error:
                raise UserError(f"{path}, line {number}: not a JSON object") from error
            yield number, value


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there. Raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from error


@contextmanager
def making_folder(path: Path) -> Iterator[None]:
    """Make a folder to write in, and take it away again where nothing was written."""
    there = os.path.isdir(path)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        if not there:
            with suppress(OSError):  # it is not empty
                path.rmdir()


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`: renamed onto it when the block ends, deleted when the block fails.

    The name keeps `path`'s suffix, so that libraries that go by the suffix write the right format. A link is
    followed; to what is no file (standard output, a pipe, a device) all is written when the block ends.

    Raises:
        UserError: the file cannot be written (no such folder, no permission, full disk).
        BrokenPipeError: nobody reads it any more.
    """
    target = Path(os.path.realpath(path))
    stream = is_stream(path)
    if not stream and os.path.isdir(target):
        raise UserError(f"cannot write {path}: it is a folder")
    temporary = None if stream else _beside(target)
    try:
        if stream:
            with poured(path) as temporary:
                yield temporary
        else:
            yield temporary
            with suppress(OSError):  # there is none yet
                shutil.copymode(target, temporary)  # what was private stays so
            os.replace(temporary, target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write {goal(path)}: {error.strerror or error}") from error
    finally:
        if not stream:
            with suppress(OSError):  # it was never made
                temporary.unlink()


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """A new folder beside `path`: put in the place of `path` and all it held when the block ends.

    When the block fails it is deleted; what a killed process left of one is deleted by the next call.

    Raises:
        UserError: the folder cannot be written (a file is there, no permission, full disk).
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        if os.path.isdir(target):
            shutil.rmtree(target)
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
