"""The work folder beside an audiobook that is being made: its finished passages survive a kill.

A passage is two files named by a key of its text, the options and the model: NAME.flac, and NAME.json with
the checksum of the first and the times of the words. A JSON file is written last, so both are complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..speech.speech import Phone, Speech, Word
from ..system.files import replacing

SUFFIX = ".work"
LOCK = "lock"


@dataclass(frozen=True)
class Passage:
    """A finished passage: its FLAC file, its samples at 24 kHz, and its sentences without their waves."""

    path: Path
    samples: int
    sentences: tuple[Speech, ...]


class WorkFolder:
    """See above; made by `work_folder`, whose lock keeps other processes away."""

    def __init__(self, path: Path):
        self.path = path

    def find(self, key: str) -> Passage | None:
        """A finished passage whose files are whole; None: there is none."""
        audio = self.path / f"{key}.flac"
        try:
            kept = json.loads((self.path / f"{key}.json").read_text(encoding="utf-8"))
            if _checksum(audio) != kept["sha256"]:
                return None
            return Passage(audio, kept["samples"], tuple(map(_speech, kept["sentences"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def audio(self, key: str) -> Path:
        """Where a passage's audio is written before `finish`."""
        return self.path / f"{key}.flac"

    def finish(self, key: str, samples: int, sentences: list[Speech]) -> None:
        """Keep a passage whose audio is written. Raises UserError if the disk is full."""
        audio = self.audio(key)
        _to_disk(audio)
        kept = {"sha256": _checksum(audio), "samples": samples, "sentences": [*map(_as_list, sentences)]}
        with replacing(self.path / f"{key}.json") as temporary:
            temporary.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
            _to_disk(temporary)


@contextmanager
def work_folder(output: str | os.PathLike) -> Iterator[WorkFolder]:
    """The work folder of an output, locked. It is deleted if the block ends well; if it
    fails, it stays with what is finished.

    Raises:
        UserError: another process is making this output, or the folder cannot be written.
    """
    import fcntl

    target = Path(os.path.realpath(output))
    path = target.with_name(target.name + SUFFIX)
    while True:
        try:
            path.mkdir(exist_ok=True)
            lock = open(path / LOCK, "a")  # noqa: SIM115  (closed below)
        except FileNotFoundError as error:
            if target.parent.is_dir():
                continue  # another process has just finished, and deleted the folder
            raise UserError(f"cannot write {output}: there is no folder {target.parent}") from error
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise UserError(
                f"another process is making {output}: wait until it has finished, or name another output"
            ) from error
        if _is_open_at(lock.fileno(), path / LOCK):
            break
        lock.close()
    with lock:  # the system frees the lock of a process that is killed
        finished = False
        try:
            yield WorkFolder(path)
            finished = True
        finally:
            if finished or not any(path.glob("*.json")):
                shutil.rmtree(path, ignore_errors=True)


def _is_open_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _to_disk(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _as_list(speech: Speech) -> list[Any]:
    def times(part: Speech | Word | Phone) -> list[Any]:
        return [part.text, round(part.start, 4), round(part.end, 4)]

    words = [[*times(word), [*map(times, word.phones)]] for word in speech.words]
    return [*times(speech), words, [*map(times, speech.phones)]]


def _speech(kept: list[Any]) -> Speech:
    import numpy as np

    text, start, end, words, phones = kept
    made = tuple(
        Word(word, begin, stop, tuple(Phone(*phone) for phone in inside))
        for word, begin, stop, inside in words
    )
    return Speech(np.zeros(0, np.float32), text, start, end, made, tuple(Phone(*phone) for phone in phones))
