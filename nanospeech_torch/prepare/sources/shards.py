"""Recordings of WebDataset shards, local or streamed from an address."""

from __future__ import annotations

import itertools
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from nanospeech_core.errors import UserError

from ...training.data.shards import TAR_ERRORS, StrictTarInfo, forget_members
from ..recording import Damaged, Recording, Remark, one_line
from .pairs import MAX_BYTES, Parts, explain, pair_recording, part_of, remarks

TABLES = (".csv", ".tsv", ".jsonl")
APART = "not next to it in the stream; a downloaded shard may have any order"
RETRIES, RETRY_SECONDS = 2, 3.0  # of a remote shard, whose connection may break


@dataclass(frozen=True)
class Member:
    """The name of a member, and its two possible keys."""

    stem: str  # without its last suffix: talk.1 of talk.1.wav
    short: str  # up to the first dot of its base name: talk (WebDataset's convention)
    kind: str  # "audio", "json" or "text"
    name: str

    def key(self, short: bool) -> str:
        return self.short if short else self.stem

    @property
    def is_counted(self) -> bool:
        """Whether a number is between the two keys: talk.1 and talk.2 are never one recording."""
        return any(character.isdigit() for character in self.stem.removeprefix(self.short))


def tar_recordings(location: str, skip: int) -> Iterator[Recording | Remark]:
    """A shard's recordings. A remote shard is streamed; if that fails, it is opened again and read on.

    A recording's key is the name of its files without the suffix. If no two names are equal so, it is the
    name up to the first dot (x of x.speech.wav and x.meta.json). A local shard may have its files in any
    order; in a streamed one, those of a key must be adjacent.
    """
    if "://" not in location:
        yield from read_local(location, skip)
        return
    failures = 0
    while True:
        try:
            for recording in read_remote(location, skip):
                skip += 1
                failures = 0
                yield recording
            return
        except Damaged as error:
            failures += 1
            final = isinstance(error.__cause__, (FileNotFoundError, PermissionError))
            if final or failures > RETRIES:
                raise
            time.sleep(RETRY_SECONDS * failures)


# members


@contextmanager
def open_tar(location: str) -> Iterator[tarfile.TarFile]:
    """A tar file. Raises Damaged for whatever is wrong with it."""
    remote = "://" in location
    try:
        with (
            open_stream(location, remote) as file,
            tarfile.open(fileobj=file, mode="r|*" if remote else "r", tarinfo=StrictTarInfo) as tar,
        ):
            yield tar
    except UserError:
        raise
    except TAR_ERRORS as error:
        raise Damaged(one_line(error)) from error
    except Exception as error:
        if not remote:
            raise
        raise Damaged(one_line(error)) from error  # each file system has its own errors


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


def members(tar: tarfile.TarFile, others: Counter[str]) -> Iterator[tuple[Member, tarfile.TarInfo]]:
    """The members that can be parts of recordings, in order. The others are counted by kind."""
    for info in tar:
        kind = part_of(info.name)
        if kind and info.isfile():
            folder, _, base = info.name.rpartition("/")
            names = (base.rpartition(".")[0], base.partition(".")[0])
            stem, short = (f"{folder}/{name}" if folder else name for name in names)
            yield Member(stem, short, kind, info.name), info
        elif not info.isdir():
            others[kind_of_other(info)] += 1
        forget_members(tar)


def kind_of_other(info: tarfile.TarInfo) -> str:
    """What a member is that cannot be a part of a recording, for a remark."""
    path = PurePosixPath(info.name)
    if path.name.startswith("."):
        return "hidden files"
    if info.issym() or info.islnk():
        return "links"
    if path.suffix.lower() in TABLES:
        return f"{path.suffix} files, which are only read outside of a tar (unpack it),"
    return f"{path.suffix or 'other'} files"


def content_of(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes | None:
    """A member's content; None if it is too large."""
    file = tar.extractfile(info) if info.size <= MAX_BYTES else None
    content = file.read() if file is not None else None
    if content is not None and len(content) < info.size:
        raise tarfile.ReadError("it ends too early")
    return content


# a local shard: its names are read first


@dataclass
class Index:
    """The names in a shard, up to where it is damaged."""

    members: list[Member] = field(default_factory=list)
    short: bool = False  # whether the keys are the short ones

    @property
    def is_in_order(self) -> bool:
        """Whether the members of every key are adjacent."""
        keys = [key for key, _ in itertools.groupby(member.key(self.short) for member in self.members)]
        return len(keys) == len(set(keys))


def read_index(location: str) -> Index:
    """The index of a local shard."""
    index = Index()
    try:
        with open_tar(location) as tar:
            index.members.extend(member for member, _ in members(tar, Counter()))
    except Damaged:
        pass  # it is raised again when the recordings are read
    index.short = (
        not pairs(index.members, short=False)
        and not any(member.is_counted for member in index.members)
        and pairs(index.members, short=True) > 0
    )
    return index


def pairs(found: list[Member], short: bool) -> int:
    """The number of keys with audio and a text or json."""
    audio = {member.key(short) for member in found if member.kind == "audio"}
    return len(audio & {member.key(short) for member in found if member.kind != "audio"})


def read_local(location: str, skip: int) -> Iterator[Recording | Remark]:
    """The recordings of a local shard."""
    index = read_index(location)
    read = read_in_order if index.is_in_order else read_in_any_order
    with open_tar(location) as tar:
        yield from read(tar, location, index, skip)


def read_in_order(
    tar: tarfile.TarFile, location: str, index: Index, skip: int
) -> Iterator[Recording | Remark]:
    others: Counter[str] = Counter()
    number = 0
    for number, key, parts in groups(tar, others, skip, index.short):
        if number > skip:
            yield pair_recording(key, parts)
    yield from itertools.islice(remarks(others), max(0, skip - number), None)


def read_in_any_order(
    tar: tarfile.TarFile, location: str, index: Index, skip: int
) -> Iterator[Recording | Remark]:
    """Read all texts first, then the audio files one by one."""
    texts: dict[str, Parts] = {}
    try:
        with open_tar(location) as first_pass:
            for member, info in members(first_pass, Counter()):
                if member.kind != "audio":
                    parts = texts.setdefault(member.key(index.short), {})
                    parts.setdefault(member.kind, []).append((member.name, content_of(first_pass, info)))
    except Damaged:
        pass  # the second pass raises it
    count = Counter(member.key(index.short) for member in index.members if member.kind == "audio")
    others: Counter[str] = Counter()
    number = 0
    several: dict[str, Parts] = {}
    for member, info in members(tar, others):
        if member.kind != "audio":
            continue
        key = member.key(index.short)
        if count[key] > 1:
            several.setdefault(key, {}).setdefault("audio", []).append((member.name, None))
            continue
        number += 1
        if number > skip:
            yield pair_recording(key, {"audio": [(member.name, content_of(tar, info))], **texts.get(key, {})})
    alone = {key: parts for key, parts in texts.items() if not count[key]}
    rest = (pair_recording(key, parts) for key, parts in (several | alone).items())
    yield from itertools.islice(itertools.chain(rest, remarks(others)), max(0, skip - number), None)


# a remote shard


def read_remote(location: str, skip: int) -> Iterator[Recording | Remark]:
    """One pass over a remote shard. Members of skipped recordings are not read. Raises Damaged."""
    others: Counter[str] = Counter()
    number = 0
    with open_tar(location) as tar:
        for number, key, parts in groups(tar, others, skip):
            if number > skip:
                yield explain(pair_recording(key, parts), APART)
        yield from itertools.islice(remarks(others), max(0, skip - number), None)


def groups(
    tar: tarfile.TarFile, others: Counter[str], skip: int, short: bool | None = None
) -> Iterator[tuple[int, str, Parts]]:
    """(number from 1, key, parts) of each key whose members are adjacent. The first `skip` have no parts.

    If the file breaks off, a complete last pair is yielded before the error is raised.

    Args:
        others: counts the members that belong to no recording.
        short: which keys; None: the short ones if the first two members make a pair so, and not otherwise.
    """
    last: Member | None = None
    parts: Parts = {}
    number = size = 0
    try:
        for member, info in members(tar, others):
            if last is not None and short is None and member.stem != last.stem:
                kinds = {member.kind == "audio", last.kind == "audio"}
                short = number == 1 and size == 1 and member.short == last.short and len(kinds) == 2
                short = short and not member.is_counted and not last.is_counted
            if last is None or member.key(bool(short)) != last.key(bool(short)):
                if last is not None:
                    yield number, last.key(bool(short)), parts
                last, parts, size = member, {}, 0
                number += 1
            size += 1
            if number > skip:
                parts.setdefault(member.kind, []).append((member.name, content_of(tar, info)))
    except Exception:
        if last is not None and "audio" in parts and len(parts) > 1:
            yield number, last.key(bool(short)), parts
        raise
    if last is not None:
        yield number, last.key(bool(short)), parts
