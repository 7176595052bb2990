"""Fingerprints of the sources' files: a second run must notice that a clip or a text has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..recording import Damaged, Recording
from .inputs import Input, read_recordings
from .pairs import part_of

BLOCK = 1 << 20  # bytes


def fingerprints(inputs: list[Input], columns: tuple[str, ...], earlier: list[dict]) -> list[dict]:
    """For each input its kind, its location, and the hashes `state` and `content` ("" of remote ones).

    `state` covers the sizes and times of the files. If it is that of an earlier entry, the files are not
    read, and the entry is returned; else `content` tells whether they have changed.

    Args:
        columns: of tables.
        earlier: what an earlier call returned.
    """
    from tqdm import tqdm

    known = {(entry.get("kind"), entry.get("location")): entry for entry in earlier}
    result = []
    with tqdm(unit="B", unit_scale=True, desc="checking the sources", disable=None, leave=False) as bar:
        for found in inputs:
            entry = known.get((found.kind, found.location), {})
            paths = list(files_of(found, columns))
            state = hash_of_states(paths)
            if entry.get("state") != state:
                content = hashlib.blake2b(digest_size=16)
                for path in paths:
                    for block in blocks(path):
                        content.update(block)
                        bar.update(len(block))
                    content.update(f"\0{os.path.basename(path)}\0".encode("utf-8", "backslashreplace"))
                entry = {
                    "kind": found.kind,
                    "location": found.location,
                    "state": state,
                    "content": content.hexdigest() if paths else "",
                }
            result.append(entry)
    return result


def files_of(found: Input, columns: tuple[str, ...]) -> Iterator[str]:
    """The local files that an input is read from, always in the same order."""
    path = Path(found.location)
    try:
        if found.kind == "pairs":
            yield from (str(p) for p in sorted(path.iterdir()) if part_of(p.name) and p.is_file())
        elif found.kind != "dataset" and "://" not in found.location:
            yield found.location
            if found.kind in ("table", "list"):
                for recording in read_recordings(found, 0, columns):
                    if isinstance(recording, Recording) and isinstance(recording.audio, str):
                        yield recording.audio
    except (OSError, Damaged):
        return  # it is told when the recordings are read


def hash_of_states(paths: list[str]) -> str:
    """A hash of the names, sizes and times of files. Copies that keep the time of change have a new ctime."""
    result = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            status = os.stat(path)
            state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        except OSError:
            state = (-1, 0, 0)
        result.update(repr((path, state)).encode("utf-8", "backslashreplace"))
    return result.hexdigest() if paths else ""


def blocks(path: str) -> Iterator[bytes]:
    """The content of a file; nothing of one that cannot be read."""
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError:
        return
