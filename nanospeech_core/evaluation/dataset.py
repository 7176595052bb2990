"""What is evaluated: the texts, recordings of them, and the settings that they are spoken with."""

from __future__ import annotations

import difflib
import os
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audio.files import FORMATS
from ..config import SamplingConfig
from ..errors import UserError
from ..sampling.options import REFINE_SHARE, GenerateOptions
from ..sampling.samplers import SAMPLERS
from ..system.files import json_lines
from ..text.language_detection import detect_language
from .scorers import units

USUAL = ("masked", "ode")  # where no setting is asked for


@dataclass(frozen=True)
class Row:
    """A sentence to be spoken and understood."""

    id: str
    text: str
    lang: str = "en"  # as in the file ("en", "en-gb", "zh"); by the script of the text where it is not there
    voice: str | None = None

    @property
    def language(self) -> str:
        """The lang without the country."""
        return self.lang.partition("-")[0]


def read_rows(path: str | os.PathLike) -> list[Row]:
    """The rows of a JSONL file of {text, id, lang, voice}; all but the text are optional, other keys ignored.

    Raises:
        UserError: the file cannot be read or is empty; a row is no such object, has no words, or an id of
            another row or that cannot be a file's name.
    """
    rows: dict[str, Row] = {}
    for number, values in json_lines(path):
        row = _row(values, number, f"{path}, line {number}")
        if row.id in rows:
            raise UserError(f"{path}, line {number}: there is an id {row.id!r} already")
        rows[row.id] = row
    return list(rows.values())


def _row(values: object, number: int, place: str) -> Row:
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        raise UserError(f'{place}: not a JSON object with a "text"')
    for name in ("lang", "voice"):
        if not isinstance(values.get(name), (str, type(None))):
            raise UserError(f"{place}: {name} must be a string, not {values[name]!r}")
    name = values.get("id")
    name = f"{number:04d}" if name is None else str(name)
    if not name or name in (".", "..") or any(c in name for c in "/\\\0"):
        raise UserError(f"{place}: the id {name!r} cannot be a file's name")
    text = values["text"]
    row = Row(name, text, values.get("lang") or detect_language(text, Row.lang), values.get("voice"))
    if not units(row.text, row.language):
        raise UserError(f"{place}: the text has no words of the language {row.lang!r}")
    return row


def recordings(folder: str | os.PathLike, ids: Sequence[str]) -> dict[str, Path]:
    """The audio files ID.wav (.flac, .opus, ...) of a folder, by id.

    Raises:
        UserError: the folder cannot be read, a recording is lacking, or there are two of one id.
    """
    try:
        files = sorted(Path(folder).iterdir())
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    wanted = set(ids)
    found: dict[str, Path] = {}
    for file in files:
        if file.suffix.lower() not in FORMATS or file.stem not in wanted:
            continue
        if file.stem in found:
            raise UserError(f"{folder} has two recordings of one id, {found[file.stem].name} and {file.name}")
        found[file.stem] = file
    lacking = [name for name in ids if name not in found]
    if lacking:
        raise UserError(
            f"{folder} lacks {len(lacking)} of {len(ids)} recordings; the first is {lacking[0]}.wav "
            f"(or {', '.join(list(FORMATS)[1:])})"
        )
    return {name: found[name] for name in ids}


@dataclass(frozen=True)
class Setting:
    """A sampler and its options."""

    name: str  # as it was asked for: "masked:num_iter=4,cfg=2"
    options: GenerateOptions

    @property
    def needs_head(self) -> bool:
        """Whether it draws by the diffusion head."""
        return self.options.sampler != "ode"

    def used(self, usual: SamplingConfig) -> dict:
        """The options that do something, with the model's own where none was asked for."""
        sampler = self.name.partition(":")[0]
        asked = {key: getattr(self.options, key) for key in SAMPLERS[sampler]}
        own = {key: getattr(usual, key, None) for key in asked}
        return {"sampler": sampler} | {
            key: own[key] if value is None else value for key, value in asked.items()
        }

    @property
    def folder(self) -> str:
        """The name as one that every file system takes."""
        return self.name.replace(":", "-").replace(",", "-")


def parse_setting(text: str) -> Setting:
    """`SAMPLER` or `SAMPLER:KEY=VALUE,...`, the keys fields of `GenerateOptions`.

    Raises:
        UserError: an unknown sampler or key (the nearest is named), a key given twice, a value out of range.
    """
    sampler, _, rest = text.partition(":")
    if sampler not in SAMPLERS:
        raise UserError(
            f"there is no sampler {sampler!r}{_nearest(sampler, SAMPLERS)}; known: {', '.join(SAMPLERS)}"
        )
    known = SAMPLERS[sampler]
    values: dict = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UserError(f"{item!r} in {text!r} must be KEY=VALUE")
        if key not in known:
            raise UserError(
                f"{sampler} has no option {key!r}{_nearest(key, known)}; it has {', '.join(known)}"
            )
        if key in values:
            raise UserError(f"{key} is given twice in {text!r}")
        values[key] = _value(key, value)
    if sampler == "refine":
        values = {"refine": REFINE_SHARE} | values
    options = GenerateOptions(sampler=sampler, **values)
    options.check()
    return Setting(text, options)


def _value(key: str, text: str) -> bool | int | float | str:
    hint = typing.get_type_hints(GenerateOptions)[key]  # "int" or "int | None"
    kind = next(iter(typing.get_args(hint)), hint)
    if kind is bool:
        if text not in ("true", "false"):
            raise UserError(f"{key} must be true or false, not {text!r}")
        return text == "true"
    try:
        return kind(text)
    except ValueError as error:
        wanted = {int: "a whole number", float: "a number"}[kind]
        raise UserError(f"{key} must be {wanted}, not {text!r}") from error


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
