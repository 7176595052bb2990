"""Voices: reference audio with its text, in the folder `voices/` of a checkpoint or of the user.

A voice is two files: NAME.flac, and NAME.json with `text`, `phonemes`, `durations` (seconds), `language`,
`description`, `default` (true: comes first among the voices of a language), `tempo`, `num_iter` and
`recording` (a checksum, see `voice_files`). They hold audio and text, not a mel or an embedding: every model
can use them, and anyone can listen to the voice.
"""

from __future__ import annotations

import math
import os
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio.mel import HOP, SAMPLE_RATE
from ..checkpoints.folder import PRETRAINED
from ..errors import UserError
from .voice_files import read_files, remove_files, write_files

DATA_FOLDER = "NANOSPEECH_DATA"  # the environment variable that names another folder for the user's voices


@dataclass(frozen=True, eq=False)
class Voice:
    """A speaker: a recording and its text."""

    name: str
    audio: np.ndarray  # float32 [samples] at 24 kHz
    text: str
    phonemes: str
    durations: tuple[float, ...] | None = None  # seconds of a pause, each phoneme, a pause; None: unknown
    language: str = "en-us"
    description: str = ""
    default: bool = False
    tempo: float = 1.0  # relative to the predicted durations: 1.1 is 10% faster
    num_iter: int | None = None  # of masked decoding, enough with the model that it was made with

    @property
    def seconds(self) -> float:
        return len(self.audio) / SAMPLE_RATE


def voices_folder(folder: str | os.PathLike | None) -> Path:
    """`folder` if it has voices, else the embedded checkpoint: every model can use its recordings."""
    return Path(folder) if folder is not None and voice_names(folder) else PRETRAINED


def composed(name: str) -> str:
    """A name with its accented letters as one character each (NFC).

    Files of macOS may have names with the accents apart (NFD). All names of voices are compared composed.
    """
    return unicodedata.normalize("NFC", name)


def voice_names(folder: str | os.PathLike) -> list[str]:
    """The names of the voices in `folder`/voices, sorted. Raises UserError if it cannot be read."""
    names = {composed(stem) for stem, suffix in _files(folder) if suffix == ".json"}
    return sorted(filter(_is_name, names))


def _is_name(name: str) -> bool:
    """Whether it has letters and digits of any script with their accents and vowel signs, "_" and "-"."""
    inside = (c.isalnum() or c in "_-" or unicodedata.category(c)[0] == "M" for c in name)
    return (name[:1].isalnum() or name[:1] == "_") and all(inside)


def _files(folder: str | os.PathLike) -> list[tuple[str, str]]:
    """The stems and suffixes of the files in `folder`/voices; [] if there is no such folder."""
    try:
        return list(map(os.path.splitext, os.listdir(os.path.join(folder, "voices"))))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"cannot read {Path(folder, 'voices')}: {error.strerror or error}") from error


def user_folder(to_write: bool = False) -> Path:
    """The folder of the user's own voices: NANOSPEECH_DATA, else the system's folder for application data.

    For a user without a home folder (a container's `--user 12345`) it is an empty device (/dev/null).

    Args:
        to_write: whether voices are to be written there.
    Raises:
        UserError: `to_write`, and the user has no home folder.
    """
    if os.environ.get(DATA_FOLDER):
        return Path(os.environ[DATA_FOLDER])
    import platformdirs

    try:
        folder = Path(platformdirs.user_data_path("nanospeech-mar", appauthor=False))
    except RuntimeError:  # older versions return "~"
        folder = Path("~")
    if folder.is_absolute():
        return folder
    if to_write:
        raise UserError(f"there is no home folder to store voices in: set HOME, or {DATA_FOLDER} to a folder")
    return Path(os.devnull)


def _file(folder: str | os.PathLike, name: str, suffix: str) -> Path:
    """A file of the voice `name`, which is composed: under the name that it has on the disk."""
    named = [stem + kind for stem, kind in _files(folder) if kind == suffix and composed(stem) == name]
    plain = name + suffix
    return Path(folder, "voices", plain if plain in named or not named else named[0])


def find_voice(folder: str | os.PathLike, name: str) -> Voice:
    """The voice `name` in `folder`/voices, else of the user. Raises UserError as `load_voice`."""
    return load_voice(find_voice_folder(folder, name), name)


def find_voice_folder(folder: str | os.PathLike, name: str) -> Path:
    """The folder that has the voice `name`: `folder`, else the user's. Raises UserError if neither has it."""
    name = composed(name)
    names = voice_names(folder)
    own = [] if name in names else voice_names(user_folder())
    if name in own:
        return user_folder()
    if own:
        raise UserError(no_voice(name, [*names, *own]))
    _path(folder, name)
    return Path(folder)


def no_voice(name: str, names: Sequence[str]) -> str:
    """The message for a name that is none of these voices.

    Mixtures of voices ("heart(2)+emma(1)") were tried: see "Mixtures of voices" in docs/experiments.md.
    """
    if "+" in name:
        return (
            f'voices cannot be mixed ("{name:.60}"), because a mixture sounds either worse than its parts or '
            "just like one of them: name one voice, or add a recording of the one that you want (voices add)"
        )
    known = f"the voices are {', '.join(names)}" if names else "there are none; use --ref-audio"
    return f'there is no voice "{name:.60}"; {known}'


def remove_voice(folder: str | os.PathLike, name: str) -> None:
    """Delete a voice's files. Raises UserError if there is no such voice, or they cannot be deleted."""
    remove_files(_path(folder, composed(name)))


def list_voices(folder: str | os.PathLike) -> list[Voice]:
    """All voices in `folder`/voices, the default first, then by name. Raises UserError for a broken one."""
    voices = []
    for name in voice_names(folder):
        try:
            voices.append(load_voice(folder, name))
        except UserError:
            if name in voice_names(folder):  # else it was just removed
                raise
    return sorted(voices, key=lambda voice: (not voice.default, voice.name))


def user_voices() -> list[Voice]:
    """The user's voices, the default first, then by name. A broken one is skipped with a warning."""
    voices = []
    for name in voice_names(user_folder()):
        try:
            voices.append(load_voice(user_folder(), name))
        except UserError as error:
            if name not in voice_names(user_folder()):  # it was just removed
                continue
            warnings.warn(f"the voice {name} cannot be used: {error}", stacklevel=2)
    return sorted(voices, key=lambda voice: (not voice.default, voice.name))


def load_voice(folder: str | os.PathLike, name: str) -> Voice:
    """The voice `name` in `folder`/voices.

    Raises:
        UserError: there is no such voice (the message lists the voices), or its files are broken.
    """
    name = composed(name)
    path = _path(folder, name)
    meta, wave = read_files(path)
    return Voice(name=name, audio=wave, **_read_fields(meta, len(wave) / SAMPLE_RATE, path))


def check_name(name: str) -> str:
    """The name, composed. Raises UserError if it cannot be the name of a voice, and so of a file."""
    if not _is_name(composed(name)):
        raise UserError(f'"{name}" cannot be the name of a voice: use letters, digits, "_" and "-"')
    return composed(name)


def check_new_name(name: str, replace: bool = False) -> str:
    """The name, composed. Raises UserError if the user cannot store a voice of that name.

    replace: whether a voice of the user's may be replaced.
    """
    name = check_name(name)
    for embedded in voice_names(PRETRAINED):
        if embedded.casefold() == name.casefold():
            raise UserError(f'"{embedded}" is a voice of the embedded model; choose another name')
    check_free(user_folder(to_write=True), name, replace)
    return name


def check_free(folder: str | os.PathLike, name: str, replace: bool = False, there: str = "there is") -> None:
    """Raise UserError if `save_voice` would overwrite a file of another voice in `folder`/voices.

    Args:
        folder: of the voices.
        name: of the new voice.
        replace: a voice of exactly this name may be overwritten. One whose name differs only in case may not:
            it is the same file on some disks.
        there: the beginning of the message.
    """
    name = composed(name)
    taken = {composed(stem) for stem, suffix in _files(folder) if suffix.lower() in (".json", ".flac")}
    if name in taken:
        if not replace:
            raise UserError(f'{there} a voice "{name}" already; --replace replaces it')
        return
    for other in sorted(taken):
        if other.casefold() == name.casefold():
            raise UserError(f'{there} a voice "{other}" already, and names must differ in more than case')


def save_voice(folder: str | os.PathLike, voice: Voice, replace: bool = True) -> None:
    """Write `folder`/voices/NAME.flac and NAME.json, together: readers see the old voice or the new one.

    replace: whether a voice of this name may be replaced, as in `check_free`.

    Raises:
        UserError: they cannot be written, or there is such a voice.
    """
    path = _file(folder, check_name(voice.name), ".json")
    meta = {
        "text": voice.text,
        "phonemes": voice.phonemes,
        "durations": None if voice.durations is None else [round(d, 6) for d in voice.durations],
        "language": voice.language,
        "description": voice.description,
        "default": voice.default,
        "tempo": round(voice.tempo, 4),
    }
    if voice.num_iter is not None:
        meta["num_iter"] = voice.num_iter
    _read_fields(meta, voice.seconds, path)

    def check() -> None:
        if not replace:
            check_free(folder, voice.name)

    write_files(path, voice.audio, meta, check)


def _path(folder: str | os.PathLike, name: str) -> Path:
    names = voice_names(folder)
    if name not in names:
        raise UserError(no_voice(name, names))
    return _file(folder, name, ".json")


def _read_fields(meta: object, seconds: float, path: Path) -> dict:
    """The fields of a voice's JSON, with defaults. Raises UserError, naming the file, if one is invalid."""
    types = {"text": str, "phonemes": str, "language": str, "description": str, "default": bool}
    optional = {"durations": None, "description": "", "default": False, "tempo": 1.0, "num_iter": None}
    if not isinstance(meta, dict):
        raise UserError(f"{path} must contain a JSON object")
    unknown = sorted(set(meta) - set(types) - set(optional))
    if unknown:
        raise UserError(f"{path} has an unknown key: {unknown[0]}")
    fields = {**optional, **meta}
    for name, kind in types.items():
        if not isinstance(fields.get(name), kind):
            raise UserError(f"{path} needs {name} ({'true or false' if kind is bool else 'a string'})")
    tempo = fields["tempo"]
    if isinstance(tempo, bool) or not isinstance(tempo, (int, float)) or not 0.5 <= tempo <= 2:
        raise UserError(f"{path}: tempo must be a number from 0.5 to 2")
    number = fields["num_iter"]
    if number is not None and (type(number) is not int or not 1 <= number <= 1000):
        raise UserError(f"{path}: num_iter must be a whole number from 1 to 1000")
    durations = fields["durations"]
    if durations is not None:
        numbers = isinstance(durations, list) and all(
            isinstance(d, (int, float)) and not isinstance(d, bool) and math.isfinite(d) and d >= 0
            for d in durations
        )
        if not numbers or len(durations) != len(fields["phonemes"]) + 2:
            raise UserError(f"{path}: durations must be {len(fields['phonemes']) + 2} numbers of seconds")
        if abs(sum(durations) - seconds) > 2 * HOP / SAMPLE_RATE:
            raise UserError(f"{path}: durations sum to {sum(durations):.2f} s, the audio has {seconds:.2f} s")
        fields["durations"] = tuple(map(float, durations))
    return fields
