"""Atomic writing of folders: a temporary folder beside the target, which takes its place at the end."""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .files import check_not_mounted
from .locks import release, try_lock

ATTEMPTS = 20  # while other processes create or replace the same folder
_HERE = {"linux": -100, "darwin": -2}.get(sys.platform)  # AT_FDCWD
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


@contextmanager
def replacing_folder(path: str | os.PathLike, replace: bool = True) -> Iterator[Path]:
    """A temporary folder beside `path`: replaces `path` when the block ends, is deleted if the block fails.

    At any moment the old folder or the new one is there, complete. (Where a file system cannot exchange two
    folders, it has another name between two renames; the next call puts that right.) Several processes may
    write the same folder: the last one's stays. What a killed process left is deleted by the next call.

    Args:
        path: the folder; its parents are created. Links are followed.
        replace: whether a folder that exists is replaced.
    Raises:
        UserError: the folder cannot be written (`path` is a file, a mount point or the current folder, no
            permission, full disk), or exists without `replace`.
    """
    target = Path(os.path.realpath(path))
    check_replaceable(path)
    temporary, handle = None, None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_up(target)
        temporary, handle = _make_temporary(target)
        yield temporary
        with suppress(OSError):  # a new folder
            shutil.copymode(target, temporary)
        if not _put(temporary, target, replace):
            raise UserError(f"{path} exists: another process has written it meanwhile")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)  # an unfinished one, or the old folder
        release(handle)


def check_replaceable(path: str | os.PathLike) -> None:
    """Raise UserError if a folder cannot be replaced as a whole, whatever the permissions."""
    check_not_mounted(path)
    with suppress(OSError):  # it does not exist
        if os.path.samefile(path, os.curdir):
            raise UserError(
                f"cannot write {path}: it is the current folder, which cannot be replaced: "
                "name a folder in it, or go to another"
            )


def clear_up(target: Path) -> None:
    """Delete what killed processes have left beside a folder; restore it if one had moved it away."""
    left = re.compile(re.escape(f".{target.name}.") + "[0-9a-f]{8}[.](part|old)")
    with suppress(OSError):
        for entry in os.listdir(target.parent):
            found = left.fullmatch(entry)
            path = target.with_name(entry)
            if found is None or (handle := try_lock(path)) is None:  # None: it is being written
                continue
            try:
                if found[1] == "old" and not os.path.lexists(target):
                    os.rename(path, target)
                else:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                release(handle)


def _make_temporary(target: Path) -> tuple[Path, int | None]:
    """A new folder, and its lock, which tells `clear_up` that it is in use; None: there are no locks here."""
    for _ in range(ATTEMPTS):
        temporary = _beside(target, "part")
        temporary.mkdir()
        if (handle := try_lock(temporary)) is not None:
            return temporary, handle
        with suppress(FileNotFoundError):  # a `clear_up` was faster
            temporary.rmdir()
    temporary.mkdir()
    return temporary, None


def _put(temporary: Path, target: Path, replace: bool) -> bool:
    """Let a folder take the place of another; False: there is one, and it may not be replaced.

    Raises OSError.
    """
    for attempt in range(ATTEMPTS):
        try:
            os.rename(temporary, target)  # succeeds if there is none, or an empty one
            return True
        except OSError:
            if not os.path.isdir(target) and attempt:  # a file, or no permission
                raise
        if os.path.isdir(target):
            if not replace:
                return False
            if exchange(temporary, target) or _move_away(temporary, target):
                return True
    raise OSError("other processes are writing it all the time")


def _move_away(temporary: Path, target: Path) -> bool:
    """Replace a folder by two renames. False: another process was faster."""
    old = _beside(target, "old")
    handle = try_lock(target)
    try:
        with suppress(FileNotFoundError):
            os.rename(target, old)
        try:
            os.rename(temporary, target)
            return True
        except OSError:
            if os.path.isdir(old) and not os.path.lexists(target):
                os.rename(old, target)
                raise
            return False
    finally:
        shutil.rmtree(old, ignore_errors=True)
        release(handle)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders atomically; False if the system or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True) if _HERE is not None else None
    call = getattr(libc, "renameat2", None) or getattr(libc, "renameatx_np", None)
    if call is None:
        return False
    here = ctypes.c_int(_HERE or 0)
    return call(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(_SWAP)) == 0


def _beside(target: Path, kind: str) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{kind}")
