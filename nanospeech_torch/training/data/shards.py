"""The members of WebDataset shards: an audio file and a json file per utterance.

`corpus` describes the fields of the json file.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

# What libsndfile reads (raw samples apart, which name neither rate nor type).
AUDIO_SUFFIXES = frozenset(
    ".aif .aifc .aiff .au .avr .caf .flac .iff .mat .mp2 .mp3 .nist .oga .ogg .opus .paf .pvf .rf64 .sd2 .sf "
    ".snd .sph .svx .voc .w64 .wav .wave .wve .xi".split()
)
# Formats that it does not read, but that are audio too: an error can then say so.
FOREIGN_SUFFIXES = frozenset(".aac .ac3 .amr .m4a .m4b .mka .mp4 .webm .wma".split())
# the blocks of zeros that end a tar file
EOF_HEADER_ERROR: type[tarfile.HeaderError] = tarfile.EOFHeaderError  # type: ignore[attr-defined]  # not in typeshed
TAR_ERRORS = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError)


def parse(data: str | bytes) -> dict | None:
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


def tar_members(tar: tarfile.TarFile) -> Iterator[tuple[str, str, tarfile.TarInfo]]:
    """(key, kind, member) of the audio and json files of a tar file, in its order.

    The key is the member's name up to the first dot of its base name (WebDataset's convention).
    """
    for member in tar:
        kind = kind_of(member.name)
        if kind and member.isfile():
            folder, _, base = member.name.rpartition("/")
            key = base.partition(".")[0]
            yield f"{folder}/{key}" if folder else key, kind, member
        forget_members(tar)


def forget_members(tar: tarfile.TarFile) -> None:
    """Drop the headers that tarfile has kept: those of a large tar file would fill the memory."""
    tar.members = []  # type: ignore[attr-defined]  # typeshed does not list it


class StrictTarInfo(tarfile.TarInfo):
    """A header that raises if it is damaged or the file ends before it, where tarfile would stop silently."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> StrictTarInfo:
        try:
            return super().fromtarfile(tar)
        except tarfile.HeaderError as error:
            if isinstance(error, EOF_HEADER_ERROR):
                raise
            raise tarfile.ReadError("it is damaged, or ends too early") from error
