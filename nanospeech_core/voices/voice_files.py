"""The two files of a voice, written and read as one: NAME.flac and NAME.json.

Two files cannot be replaced at once. So NAME.json has a checksum of its recording, and while a voice is
replaced or removed, that recording is there as `.NAME.CHECKSUM.flac`. No reader and no killed process ever
pairs the recording of one voice with the text of another.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..audio import files as audio
from ..errors import UserError
from ..system.files import replacing
from ..system.locks import locked

CHECKSUM = "recording"  # the key in NAME.json
ATTEMPTS = 50  # to read a voice that others are replacing


def read_files(path: Path) -> tuple[object, np.ndarray]:
    """What is in a voice's JSON, without the checksum, and its recording: float32 [samples] at 24 kHz.

    path: of NAME.json.

    Raises UserError if a file is missing or broken.
    """
    usual = path.with_suffix(".flac")
    for _ in range(ATTEMPTS):
        before = _stamps(path, usual)
        meta = _read_json(path)
        checksum = meta.pop(CHECKSUM, None) if isinstance(meta, dict) else None
        if isinstance(checksum, str):
            for place in (usual, _named_by(path, checksum)):
                if (wave := _read_if(place, checksum)) is not None:
                    return meta, wave
        try:  # a voice without a checksum, or its owner has changed the recording
            wave = audio.read(usual)
        except UserError:
            if _stamps(path, usual) == before:
                raise
        else:
            if _stamps(path, usual) == before:  # nobody is replacing it
                return meta, wave
    raise UserError(f"cannot read {path}: other processes are replacing it all the time")


def write_files(path: Path, wave: np.ndarray, meta: dict, check: Callable[[], object]) -> None:
    """Write a voice's files; readers see the old voice or the new one.

    Args:
        path: of NAME.json. Its folder is created.
        wave: [samples] at 24 kHz.
        meta: the content of NAME.json.
        check: called when no other process can write; what it raises is raised.
    Raises:
        UserError: they cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            check()
            _clear_up(path)
            new = path.with_name(f".{path.stem}.new.flac")
            try:
                audio.write(new, wave)
                checksum = _checksum(new)
                os.replace(new, _named_by(path, checksum))
                with replacing(path) as temporary:
                    text = json.dumps({**meta, CHECKSUM: checksum}, ensure_ascii=False, indent=1)
                    temporary.write_text(text + "\n", encoding="utf-8")
                os.replace(_named_by(path, checksum), path.with_suffix(".flac"))
            finally:
                _clear_up(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def remove_files(path: Path) -> None:
    """Delete a voice's files; readers see the whole voice or none. Raises UserError.

    path: of NAME.json.
    """
    try:
        with locked(path.parent):
            usual, meta = path.with_suffix(".flac"), None
            with suppress(UserError):  # it is broken, or was just removed
                meta = _read_json(path)
            if isinstance(meta, dict) and meta.get(CHECKSUM) == _checksum(usual):
                os.replace(usual, _named_by(path, meta[CHECKSUM]))
            path.unlink()  # without this file there is no voice
            usual.unlink(missing_ok=True)
            _clear_up(path)
    except OSError as error:
        raise UserError(f"cannot remove {path}: {error.strerror or error}") from error


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # no JSON, no UTF-8
        raise UserError(f"{path} is not a JSON file: {error}") from error


def _stamps(*paths: Path) -> list[tuple[int, ...] | None]:
    """What changes when files are replaced; None: there is no such file."""
    result: list[tuple[int, ...] | None] = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            result.append(None)
        else:
            result.append((status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size))
    return result


def _read_if(path: Path, checksum: str) -> np.ndarray | None:
    """The recording in a file if the file has this checksum, and still has it after reading."""
    before = _stamps(path)
    try:
        if _checksum(path) != checksum:
            return None
        wave = audio.read(path)
    except (OSError, UserError) as error:
        if before == [None] or _stamps(path) != before:
            return None
        if isinstance(error, OSError):
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error
        raise
    return wave if _stamps(path) == before else None


def _checksum(path: Path) -> str:
    """Of a file's content; "" if it does not exist."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return ""


def _named_by(path: Path, checksum: str) -> Path:
    return path.with_name(f".{path.stem}.{re.sub('[^0-9a-f]', '_', checksum)}.flac")


def _clear_up(path: Path) -> None:
    """Delete what a killed process has left of a voice, but not the recording that its JSON names."""
    kept = ""
    with suppress(UserError):
        meta = _read_json(path) if path.exists() else None
        if isinstance(meta, dict) and meta.get(CHECKSUM) != _checksum(path.with_suffix(".flac")):
            kept = _named_by(path, str(meta.get(CHECKSUM))).name
    left = re.compile(rf"[.]{{1,2}}{re.escape(path.stem)}[.].+[.](flac|json)")  # names have no dots
    for name in os.listdir(path.parent):
        if left.fullmatch(name) and name != kept:
            with suppress(OSError):
                path.with_name(name).unlink()
