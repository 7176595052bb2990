"""Reading WebDataset shards, and folders laid out alike: an audio file and a json file per utterance."""

from __future__ import annotations

import glob
import itertools
import json
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from nanospeech_core.errors import UserError

# What libsndfile reads (raw samples apart, which name neither rate nor type).
AUDIO_SUFFIXES = frozenset(
    ".aif .aifc .aiff .au .avr .caf .flac .iff .mat .mp2 .mp3 .nist .oga .ogg .opus .paf .pvf .rf64 .sd2 .sf "
    ".snd .sph .svx .voc .w64 .wav .wave .wve .xi".split()
)
# What it does not read, but people have: known as audio, so that it is told apart from other files.
FOREIGN_SUFFIXES = frozenset(".aac .ac3 .amr .m4a .m4b .mka .mp4 .webm .wma".split())
BLOCK = 512  # of a tar file
TAR_ERRORS = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError)


def read_pairs(
    patterns: tuple[str, ...], skip: Callable[[str], object] = lambda reason: None
) -> Iterator[tuple[str, bytes, dict]]:
    """(key, audio bytes, json) of every utterance, in the order of the sorted shards.

    In a tar file the members of one utterance follow each other; its key is their name up to the first dot of
    the base name (WebDataset's convention). In a folder they share the name before the last dot.

    Args:
        patterns: glob patterns of tar files (compressed or not) and of folders.
        skip: called with the reason for each utterance that is left out.
    Raises:
        UserError: nothing matches, or a shard or file cannot be read.
    """
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    if not paths:
        raise UserError(f"no data: nothing matches {', '.join(patterns) or 'data.shards (it is empty)'}")
    seen = set()
    for path in map(Path, paths):
        files = folder_files(path) if path.is_dir() else tar_files(path)
        for key, members in itertools.groupby(files, key=lambda file: file[0]):
            parts: dict[str, bytes] = {}
            for _, kind, data in members:
                parts.setdefault(kind, data)
            meta = parse(parts.get("json", b"{}"))
            if "audio" not in parts:
                skip("no audio")
            elif "json" not in parts:
                skip("no json")
            elif meta is None:
                skip("broken json")
            elif key in seen:
                skip("an id that was read before")
            else:
                seen.add(key)
                yield key, parts["audio"], meta


def parse(data: bytes) -> dict | None:
    """A JSON object, or None for anything else."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def kind_of(name: str) -> str | None:
    """ "json", "audio", or None for other files (hidden ones too), by the suffix."""
    path = PurePosixPath(name)
    if path.name.startswith("."):
        return None
    suffix = path.suffix.lower()
    return "json" if suffix == ".json" else "audio" if suffix in AUDIO_SUFFIXES | FOREIGN_SUFFIXES else None


def folder_files(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(key, kind, content) of a folder's files, those of one key together."""
    try:
        for path in sorted(folder.iterdir(), key=lambda path: (path.stem, path.suffix)):
            kind = kind_of(path.name)
            if kind and path.is_file():
                yield path.stem, kind, path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {error.filename or folder}: {error.strerror or error}") from error


def tar_files(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """(key, kind, content) of a tar file's members, in its order."""
    try:
        with tarfile.open(path, tarinfo=StrictTarInfo) as tar:
            for key, kind, member in tar_members(tar):
                yield key, kind, tar.extractfile(member).read()
    except TAR_ERRORS as error:
        raise UserError(f"cannot read the shard {path}: {error}") from error


def tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, str, tarfile.TarInfo]]:
    """(key, kind, member) of audio and json files; the key is the name up to the base name's first dot."""
    for member in tar:
        kind = kind_of(member.name)
        if kind and member.isfile():
            folder, _, base = member.name.rpartition("/")
            key = base.partition(".")[0]
            yield f"{folder}/{key}" if folder else key, kind, member
        tar.members = []  # tarfile would keep all of them


class StrictTarInfo(tarfile.TarInfo):
    """A header; tarfile ends in silence where one is damaged or the file is cut before one, this raises."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            if isinstance(error, tarfile.EOFHeaderError):  # the blocks of zeros that end a tar file
                raise
            raise tarfile.ReadError("it is damaged, or ends too early") from error
