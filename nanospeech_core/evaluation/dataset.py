"""The data of an evaluation: texts to speak, and recordings of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audio.files import FORMATS
from ..cluster.parts import Part
from ..errors import UserError
from ..system.files import json_lines
from ..text.language_detection import detect_language
from .scorers import words_or_characters


@dataclass(frozen=True)
class TextItem:
    """A sentence to speak and to recognize again."""

    id: str
    text: str
    lang: str = "en"  # as the file has it ("en", "en-gb", "zh"); found from the text's script if it has none
    voice: str | None = None

    @property
    def language(self) -> str:
        """`lang` without the country."""
        return self.lang.partition("-")[0]


def read_items(path: str | os.PathLike) -> list[TextItem]:
    """Read a JSONL file of {text, id, lang, voice}. Only the text is required; other keys are ignored.

    Raises:
        UserError: the file cannot be read or is empty; a line is not such an object, has a text without
            words, or has an id that is not unique or cannot be a file name.
    """
    items: dict[str, TextItem] = {}
    for number, values in json_lines(path):
        item = _parse_item(values, number, f"{path}, line {number}")
        if item.id in items:
            raise UserError(f"{path}, line {number}: the id {item.id!r} occurs twice")
        items[item.id] = item
    return list(items.values())


def read_part(path: str, limit: int | None, part: Part | None) -> tuple[list[TextItem], list[TextItem]]:
    """All texts (the first `limit`), and those of a part. Raises UserError: see `read_items`; or some parts
    would be empty."""
    items, part = read_items(path)[:limit], part or Part(1, 1)
    if part.count > len(items):
        raise UserError(f"{part.count} parts of {len(items)} texts: some would be empty; use fewer")
    return items, [item for index, item in enumerate(items) if part.has(index)]


def _parse_item(values: object, number: int, place: str) -> TextItem:
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        raise UserError(f'{place}: not a JSON object with a "text"')
    for key in ("lang", "voice"):
        if not isinstance(values.get(key), (str, type(None))):
            raise UserError(f"{place}: {key} must be a string, not {values[key]!r}")
    given_id = values.get("id")
    name = f"{number:04d}" if given_id is None else str(given_id)
    if not name or name in (".", "..") or any(c in name for c in "/\\\0"):
        raise UserError(f"{place}: the id {name!r} cannot be a file name")
    text = values["text"]
    item = TextItem(
        name, text, values.get("lang") or detect_language(text, TextItem.lang), values.get("voice")
    )
    if not words_or_characters(item.text, item.language):
        raise UserError(f"{place}: the text has no words of the language {item.lang!r}")
    return item


def find_recordings(folder: str | os.PathLike, ids: Sequence[str]) -> dict[str, Path]:
    """The audio files ID.wav (.flac, .opus, ...) of a folder, by id.

    Raises:
        UserError: the folder cannot be read, or an id has no recording or two.
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
    missing = [name for name in ids if name not in found]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(ids)} recordings are missing in {folder}; the first is {missing[0]}.wav "
            f"(or {', '.join(list(FORMATS)[1:])})"
        )
    return {name: found[name] for name in ids}
