"""Atomic writing of files: a temporary file beside the target, renamed at the end. Folders: `folders.py`."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .encodings import read_text
from .streams import check_stream, display_target, is_stream, temporary_for_stream


def not_found(path: str | os.PathLike) -> str:
    """ "PATH does not exist", for messages; of a relative path also where it was looked for."""
    return f"{path} does not exist{looked_in(path)}"


def looked_in(path: str | os.PathLike) -> str:
    """Where a relative path was looked for, as the end of a message; "" for an absolute path."""
    return "" if os.path.isabs(path) else f" (the current folder is {os.getcwd()})"


def check_writable(path: str | os.PathLike) -> None:
    """Raise UserError if the file cannot be written. Called before minutes of work."""
    if is_stream(path):
        return check_stream(path)
    target = Path(os.path.realpath(path))  # where a link leads
    if os.path.isdir(target):  # unlike Path.is_dir, no error without permission
        raise UserError(f"cannot write {path}: it is a folder")
    check_not_mounted(path)
    try:
        os.lstat(_temporary(target))  # its name is longer
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    parent = Path(path).parent if os.path.realpath(Path(path).parent) == str(target.parent) else target.parent
    if not os.path.isdir(parent):
        raise UserError(f"cannot write {path}: there is no folder {parent}")
    if not os.access(parent, os.W_OK | os.X_OK):
        why = "no permission to write in"
        if hasattr(os, "statvfs") and os.statvfs(parent).f_flag & os.ST_RDONLY:
            why = "its file system is read-only:"
        raise UserError(f"cannot write {path}: {why} {parent}")


def split_lines(text: str) -> list[str]:
    """Split a file's text at \\n, \\r\\n and \\r only; `str.splitlines` has eight more line ends."""
    return re.split(r"\r\n?|\n", text)


def json_lines(path: str | os.PathLike) -> Iterator[tuple[int, object]]:
    """Read a JSONL file: the number of each line, from 1, and its value. Empty lines are skipped.

    Raises:
        UserError: the file cannot be read or is empty, or a line is not JSON.
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
    """Create a folder and its parents if they do not exist. Raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot create the folder {path}: {error.strerror or error}") from error


@contextmanager
def making_folder(path: Path) -> Iterator[None]:
    """Create a folder for the block; delete it if the block writes nothing into it."""
    existed = os.path.isdir(path)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot create the folder {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        if not existed:
            with suppress(OSError):  # it is not empty
                path.rmdir()


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`: replaces `path` when the block ends, is deleted if the block fails.

    The name keeps `path`'s suffix, as some libraries choose the format by it. Links are followed. A stream
    (standard output, a pipe, a device) gets everything when the block ends.

    Raises:
        UserError: the file cannot be written (no such folder, no permission, full disk).
        BrokenPipeError: the reader of the pipe is gone.
    """
    target = Path(os.path.realpath(path))
    stream = is_stream(path)
    if not stream:
        if os.path.isdir(target):
            raise UserError(f"cannot write {path}: it is a folder")
        check_not_mounted(path)
    temporary = _temporary(target)
    try:
        if stream:
            with temporary_for_stream(path) as file:
                yield file
        else:
            yield temporary
            with suppress(OSError):  # a new file
                shutil.copymode(target, temporary)  # a private file stays private
            os.replace(temporary, target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write {display_target(path)}: {error.strerror or error}") from error
    finally:
        if not stream:
            with suppress(OSError):  # it was not created, or was renamed
                temporary.unlink()


def check_not_mounted(path: str | os.PathLike) -> None:
    """Raise UserError for a mount point, such as a container's volume: it cannot be replaced by renaming."""
    if os.path.ismount(os.path.realpath(path)):
        what = "a folder" if os.path.isdir(path) else "another name"
        raise UserError(f"cannot write {path}: it is a mount point: name {what} in it")


def _temporary(path: Path) -> Path:
    """A new name beside a file: of no other process, thread or container that writes it too."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
