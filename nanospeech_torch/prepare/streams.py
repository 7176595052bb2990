"""Recordings of WebDataset shards, local or streamed from an address, and of folders with the same layout."""

from __future__ import annotations

import itertools
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from nanospeech_core.errors import UserError

from ..training.data.shards import TAR_ERRORS, StrictTarInfo, kind_of, parse, tar_members
from .recording import Damaged, Recording, canonical, one_line

MAX_BYTES = 256 << 20  # of one audio file: memory holds several
RETRIES, RETRY_SECONDS = 2, 3.0  # of a remote shard, whose connection may break
# The members of one key: "audio" or "json" -> (name, content; a local audio file's path; None: too large).
Parts = dict[str, tuple[str, bytes | str | None]]


def tar_recordings(location: str, skip: int) -> Iterator[Recording]:
    """A shard's recordings. A remote shard is streamed; if that fails, it is opened again and read on."""
    remote = "://" in location
    failures = 0
    while True:
        try:
            for recording in read_tar(location, remote, skip):
                skip += 1
                failures = 0
                yield recording
            return
        except Damaged as error:
            failures += 1
            final = isinstance(error.__cause__, (FileNotFoundError, PermissionError))
            if not remote or final or failures > RETRIES:
                raise
            time.sleep(RETRY_SECONDS * failures)


def read_tar(location: str, remote: bool, skip: int) -> Iterator[Recording]:
    """One pass over a shard. Members of skipped recordings are not read. Raises Damaged."""
    try:
        with (
            open_stream(location, remote) as file,
            tarfile.open(fileobj=file, mode="r|*" if remote else "r", tarinfo=StrictTarInfo) as tar,
        ):
            for key, parts in tar_groups(tar, skip):
                yield pair_recording(key, parts)
    except UserError:
        raise
    except TAR_ERRORS as error:
        raise Damaged(one_line(error)) from error
    except Exception as error:
        if not remote:
            raise
        raise Damaged(one_line(error)) from error  # each file system has its own errors


def tar_groups(tar: tarfile.TarFile, skip: int) -> Iterator[tuple[str, Parts]]:
    """(key, its first audio and its first json) of each key, after the first `skip`.

    If the file breaks off, a complete last pair is yielded before the error is raised.
    """
    last = ""
    parts: Parts = {}
    number = 0
    try:
        for key, kind, member in tar_members(tar):
            if not number or key != last:
                if parts:
                    yield last, parts
                last, parts = key, {}
                number += 1
            if number > skip and kind not in parts:
                file = tar.extractfile(member) if member.size <= MAX_BYTES else None
                content = file.read() if file is not None else None
                if content is not None and len(content) < member.size:
                    raise tarfile.ReadError("it ends too early")
                parts[kind] = (member.name, content)
    except Exception:
        if {"audio", "json"} <= parts.keys():
            yield last, parts
        raise
    if parts:
        yield last, parts


@contextmanager
def open_stream(location: str, remote: bool) -> Iterator[IO[bytes]]:
    """A file, or an address opened by fsspec, at its start."""
    if not remote:
        with open(location, "rb") as file:
            yield file
        return
    try:
        import fsspec

        stream = fsspec.open(location, "rb")
    except (ImportError, ValueError) as error:  # no library for this protocol; no such protocol
        raise UserError(f"cannot read {location}: {one_line(error)}") from error
    with stream as file:
        yield file


def pair_recording(key: str, parts: Parts) -> Recording:
    """The recording of an audio file and a json file."""
    if "audio" not in parts:
        return Recording(key, problem="no audio")
    if "json" not in parts:
        return Recording(key, problem="no json")
    audio, meta = parts["audio"][1], parse(parts["json"][1] or b"")
    if meta is None:
        return Recording(key, problem="broken json")
    if audio is None:
        return Recording(key, problem=f"an audio file over {MAX_BYTES >> 20} MiB")
    return Recording(
        key, audio, {**canonical(meta), "suffix": PurePosixPath(parts["audio"][0]).suffix.lower()}
    )


def pair_recordings(folder: Path) -> Iterator[Recording]:
    """The recordings of a folder: an audio file and a json file each, of equal names."""
    paths = sorted(p for p in folder.iterdir() if kind_of(p.name) and p.is_file())
    paths.sort(key=lambda path: path.stem)
    for key, found in itertools.groupby(paths, key=lambda path: path.stem):
        parts: Parts = {}
        for path in found:
            if kind := kind_of(path.name):
                parts.setdefault(kind, (path.name, path.read_bytes() if kind == "json" else str(path)))
        yield pair_recording(key, parts)
