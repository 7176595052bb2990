"""Small disks to fill up or to write-protect: tmpfs, which only root can mount, and only on Linux."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler.bin"


@contextmanager
def small_disk(path: Path, size: str = "64m") -> Iterator[Path]:
    """A disk of its own at a new folder. Skips the test where none can be mounted."""
    path.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("needs a small disk of its own: there is no command mount")
    if done.returncode:
        pytest.skip(f"needs a small disk of its own, which only root can mount: {done.stderr.strip()}")


def write_protect(disk: Path) -> None:
    _mount("-o", "remount,ro", str(disk))


def bind(file: Path, place: Path) -> None:
    """Mount a file or folder at another one."""
    _mount("--bind", str(file), str(place))


def fill(disk: Path, leave: int = 0) -> None:
    """Fill a disk up to `leave` bytes (of whole pages)."""
    free_up(disk)
    with open(disk / FILLER, "wb", buffering=0) as file:
        status = os.statvfs(disk)
        rest = max(0, status.f_bavail * status.f_frsize - leave)
        os.posix_fallocate(file.fileno(), 0, rest) if rest else None


def free_up(disk: Path) -> None:
    (disk / FILLER).unlink(missing_ok=True)
