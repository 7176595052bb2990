"""Locks of folders between processes. The system releases them when a process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: set[int] = set()  # descriptors


def _release_in_child() -> None:
    """A forked worker must not keep its parent's locks when the parent is killed."""
    for handle in _held:
        os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


@contextmanager
def locked(folder: str | os.PathLike, busy: str | None = None) -> Iterator[None]:
    """Hold the lock of a folder for the block, against other processes and other threads.

    On a file system without locks, and on Windows, nothing is locked.

    Args:
        folder: it exists.
        busy: what a UserError says if another holds the lock; None: wait for it.
    Raises:
        OSError: the folder cannot be opened.
    """
    handle = None if fcntl is None else os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            _held.add(handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
            except BlockingIOError as error:
                raise UserError(busy) from error
            except OSError:
                pass  # a file system without locks
        yield
    finally:
        release(handle)


def try_lock(folder: str | os.PathLike) -> int | None:
    """Lock a folder without waiting: a handle for `release`, or None.

    None: another holds the lock, the folder is gone, or there are no locks here.
    """
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    _held.add(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(folder)):  # not replaced in between
            return handle
    except OSError:
        pass
    release(handle)
    return None


def release(handle: int | None) -> None:
    """Release what `try_lock` has locked. In a forked process it is released already."""
    if handle in _held:
        _held.discard(handle)
        os.close(handle)
