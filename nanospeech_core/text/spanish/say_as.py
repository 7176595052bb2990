"""Letters, numbers, dates and durations of which the user says what they are; see `text.ssml.say_as`."""

from __future__ import annotations

import re

from .dates import date, duration
from .letters import LETTERS, SIGNS, spell
from .numbers import LONGEST, NUMBER, digits, fraction, groups, integer, number, ordinal, split

_NUMBER = re.compile(rf"(?P<minus>[-−]?)(?P<number>{NUMBER})", re.ASCII)
_ORDINAL = re.compile(r"(\d+)\.?\s*(er|[oaºª]?)", re.ASCII)
_FRACTION = re.compile(r"(?:(\d+)(?:\s+|\+))?(\d+)\s*[/⁄]\s*(\d+)", re.ASCII)


def say_as(kind: str, text: str) -> str | None:
    """How a text is read as what `kind` says; None if it is none. Kinds: see `languages.Language`."""
    if kind == "characters":
        return " ".join(filter(None, map(_character, text)))
    if kind == "digits" and any(map(str.isdigit, text)):
        return digits(text)
    if kind == "telephone" and any(map(str.isdigit, text)):
        return groups(text)
    if kind == "date":
        return date(*text.split("-"))
    if kind == "duration":
        return duration(*(int(part or 0) for part in text.split(":")))
    return _number(kind, text)


def _number(kind: str, text: str) -> str | None:
    """A cardinal, an ordinal or a fraction."""
    if kind == "ordinal" and (match := _ORDINAL.fullmatch(text)):
        ending = {"º": "o", "ª": "a", "": "o"}.get(match[2], match[2])
        return ordinal(int(match[1]), ending) if len(match[1]) <= LONGEST else None
    if kind == "fraction" and (match := _FRACTION.fullmatch(text)):
        if max(map(len, match.groups(""))) > 4:
            return None
        spoken = fraction(int(match[2]), int(match[3]))
        if match[1] and spoken:
            return f"{integer(int(match[1]))} y {'medio' if spoken == 'un medio' else spoken}"
        return spoken
    match = _NUMBER.fullmatch(text) if kind == "cardinal" else None
    if match is None or len(split(match["number"])[0]) > LONGEST:
        return None
    return "menos " * bool(match["minus"]) + number(match["number"].lstrip("0") or "0")


def _character(character: str) -> str:
    if character.isdigit() and character.isascii():
        return integer(int(character))
    accent = "áéíóú".find(character.lower())
    if accent >= 0:
        return f"{LETTERS['aeiou'[accent]]} con acento"
    return spell(character) if character.isalpha() else SIGNS.get(character, "")
