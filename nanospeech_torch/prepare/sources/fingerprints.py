"""Fingerprints of the sources' files: a second run must notice that a clip or a text has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..recording import Damaged, Recording
from .dealing import Deal
from .inputs import Input, read_recordings
from .pairs import pair_recordings, part_of

BLOCK = 1 << 20  # bytes


def fingerprints(
    inputs: list[Input], columns: tuple[str, ...], earlier: list[dict], deal: Deal | None = None
) -> list[dict]:
    """For each input its kind, its location, and the hashes `state` and `content` ("" of remote ones).

    `state` covers the sizes and times of the files. If it is that of an earlier entry, the files are not
    read, and the entry is returned; else `content` tells whether they have changed.

    Args:
        columns: of tables.
        earlier: what an earlier call returned.
        deal: only of the files that a part reads. In place of `content`, an entry then has `files`, how many
            there are in all, and `digests`: index of a file -> its hash. `join_fingerprints` joins them.
    """
    from tqdm import tqdm

    known = {(entry.get("kind"), entry.get("location")): entry for entry in earlier}
    result = []
    with tqdm(unit="B", unit_scale=True, desc="checking the sources", disable=None, leave=False) as bar:
        for number, found in enumerate(inputs):
            entry = known.get((found.kind, found.location), {})
            files = list(files_of(found, columns, number, deal))
            paths = [path for path, is_read in files if is_read]
            state = hash_of_states(paths)
            if entry.get("state") != state or (deal is None) != ("content" in entry):
                digests = {
                    str(i): digest(path, bar.update) for i, (path, is_read) in enumerate(files) if is_read
                }
                entry = {"kind": found.kind, "location": found.location, "state": state}
                if deal is None:
                    entry["content"] = fold(digests.values())
                else:
                    entry |= {"files": len(files), "digests": digests}
            result.append(entry)
    return result


def join_fingerprints(parts: list[list[dict]]) -> list[dict]:
    """The fingerprints of the inputs, from those of all parts, without their `state`.

    Raises:
        ValueError: (the index of a part, the location of an input): it differs from what an earlier part
            read, or a file of it was read by none.
    """
    result = []
    for number, first in enumerate(parts[0]):
        digests: dict[str, str] = {}
        for index, entries in enumerate(parts):
            entry = entries[number]
            if entry["files"] != first["files"] or any(
                digests.setdefault(file, found) != found for file, found in entry["digests"].items()
            ):
                raise ValueError(index, first["location"])
        if len(digests) != first["files"]:
            raise ValueError(0, first["location"])
        content = fold(digests[str(file)] for file in range(len(digests)))
        result.append({"kind": first["kind"], "location": first["location"], "state": "", "content": content})
    return result


def files_of(
    found: Input, columns: tuple[str, ...], number: int = 0, deal: Deal | None = None
) -> Iterator[tuple[str, bool]]:
    """The local files of an input, always in the same order, and whether a part reads each (None: of all)."""
    path = Path(found.location)

    def is_dealt(index: int) -> bool:
        return deal is None or deal.has(number, index)

    try:
        if found.kind == "pairs":
            paths = [str(p) for p in sorted(path.iterdir()) if part_of(p.name) and p.is_file()]
            others = set()  # what other parts read
            if deal is not None:
                pairs = enumerate(pair_recordings(path))
                others = {pair.audio for i, pair in pairs if isinstance(pair, Recording) and not is_dealt(i)}
            yield from ((name, name not in others) for name in paths)
        elif found.kind != "dataset" and "://" not in found.location:
            yield found.location, deal is None or deal.reads(number)
            if found.kind in ("table", "list"):
                for index, recording in enumerate(read_recordings(found, 0, columns)):
                    if isinstance(recording, Recording) and isinstance(recording.audio, str):
                        yield recording.audio, is_dealt(index)
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


def digest(path: str, update: Callable[[int], object]) -> str:
    """A hash of the content and the name of a file; of the name only if it cannot be read."""
    result = hashlib.blake2b(digest_size=16)
    for block in blocks(path):
        result.update(block)
        update(len(block))
    result.update(f"\0{os.path.basename(path)}\0".encode("utf-8", "backslashreplace"))
    return result.hexdigest()


def fold(digests: Iterable[str]) -> str:
    """One hash of the hashes of files; "" of none."""
    joined = "".join(digests)
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest() if joined else ""


def blocks(path: str) -> Iterator[bytes]:
    """The content of a file; nothing of one that cannot be read."""
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError:
        return
