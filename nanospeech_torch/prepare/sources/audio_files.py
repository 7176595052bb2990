"""Finding the audio files that a table or a list names."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from ...training.data.shards import AUDIO_SUFFIXES, FOREIGN_SUFFIXES
from ..recording import Recording, Remark, canonical, first, unused_keys

FOLDERS = ("", "wavs", "clips", "wav", "audio")  # where audio is searched, beside the table
SUFFIXES = AUDIO_SUFFIXES | FOREIGN_SUFFIXES


def has_audio_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


class AudioFinder:
    """Finds the audio files that a table or list in `folder` names, with or without their suffix.

    It reads each folder once. So names are compared as Unicode's normal form C: a Mac may write others.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        bases = [os.path.join(folder, name) for name in FOLDERS]
        self.bases = [base for base in bases if base == bases[0] or os.path.isdir(base)]
        self.listings: dict[str, dict[str, list[str]]] = {}  # folder -> name, stem -> files
        self.paths: dict[str, str] = {}  # id -> path
        self.named: set[str] = set()  # paths

    def recording(self, meta: dict, place: str, unused: tuple[str, ...] | None = None) -> Recording:
        """The recording of a line.

        Args:
            meta: its fields.
            place: its id if the line has none.
            unused: what else the line has (default: the keys of `meta` that are not used).
        """
        named = (first(meta, "audio") or first(meta, "id")).strip()
        if not named:
            return Recording(place, problem="no name of an audio file")
        id = first(meta, "id") or (named[: named.rindex(".")] if has_audio_suffix(named) else named)
        found = self.find(named)
        if not found:
            return Recording(id, problem="no audio file", detail=named, file=named)
        if len(found) > 1:
            names = ", ".join(os.path.relpath(path, self.folder) for path in found)
            return Recording(id, problem="several audio files", detail=names, file=named)
        (path,) = found
        self.named.add(path)
        if self.paths.setdefault(id, path) != path and not first(meta, "id"):
            id = named  # x.mp3 after x.wav
        suffix = os.path.splitext(path)[1].lower()
        if unused is None:
            unused = tuple(f'key "{key}"' for key in unused_keys(meta))
        return Recording(id, path, {**canonical(meta), "suffix": suffix}, file=named, unused=unused)

    def find(self, named: str) -> list[str]:
        """The paths of the files that a name can mean, at most one of each file."""
        names = (named, named.replace("\\", "/")) if "\\" in named else (named,)  # tables made on Windows
        for name in names:
            paths = [os.path.join(base, name) for base in self.bases]
            found = [file for path in paths for file in self.candidates(path)]
            if not found:  # a file system that ignores case
                found = [path for path in paths if is_file(path)]
            if len(found) > 1:
                found = list({file_number(path): path for path in reversed(found)}.values())[::-1]
            if found:
                return found
        return []

    def candidates(self, path: str) -> list[str]:
        """The files that a path means: itself, else those of its name with a suffix of audio."""
        parent, name = os.path.split(path)
        names = self.listing(parent).get(normal(name), ())
        return [os.path.join(parent, name) for name in names]

    def listing(self, folder: str) -> dict[str, list[str]]:
        """name -> [the file], and stem -> its audio files, unless that is a file's name too."""
        if folder not in self.listings:
            exact: dict[str, list[str]] = {}
            stems: dict[str, list[str]] = {}
            for name in sorted(files_in(folder)):
                exact.setdefault(normal(name), []).append(name)
                if has_audio_suffix(name):
                    stems.setdefault(normal(os.path.splitext(name)[0]), []).append(name)
            self.listings[folder] = stems | exact
        return self.listings[folder]

    def rest(self, table: str) -> Iterator[Remark]:
        """A remark on the audio files that were not named, in the folders that have some that were."""
        count = 0
        for folder in {os.path.dirname(path) for path in self.named}:
            listing = self.listing(folder).values()
            names = {name for names in listing for name in names if has_audio_suffix(name)}
            count += sum(os.path.join(folder, name) not in self.named for name in names)
        if count:
            yield Remark(f"audio files that {table} does not name", count)


def files_in(folder: str) -> Iterator[str]:
    """The names of the files of a folder, without hidden ones; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from (e.name for e in entries if not e.name.startswith(".") and e.is_file())
    except (OSError, ValueError):
        return


def is_file(path: str) -> bool:
    try:
        return not path.endswith("/") and os.path.isfile(path)
    except ValueError:  # a name that no file can have
        return False


def file_number(path: str) -> tuple[int, int]:
    """What is equal for two paths of one file."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def normal(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)
