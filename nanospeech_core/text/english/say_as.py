"""Letters, numbers, dates and durations of which the user says what they are; see `text.ssml.say_as`."""

from __future__ import annotations

import re

from .rules.codes import spell_groups
from .rules.dates import MONTHS
from .rules.numbers import fraction, letter, plain, spell, words, year
from .rules.times import duration

SIGNS = {
    ".": "dot", ",": "comma", "-": "dash", "_": "underscore", "/": "slash", "\\": "backslash", "@": "at",
    "#": "hash", "&": "and", "+": "plus", "*": "star", "=": "equals", ":": "colon", ";": "semicolon",
    "!": "exclamation mark", "?": "question mark", "%": "percent", "$": "dollar", "(": "open parenthesis",
    ")": "close parenthesis", "'": "apostrophe", '"': "quote", "~": "tilde", "|": "bar",
}  # fmt: skip
_NUMBER = re.compile(r"(?P<minus>[-−]?)(?P<whole>\d+)(?:\.(?P<decimals>\d+))?", re.ASCII)
_ORDINAL = re.compile(r"(\d[\d,]*)(?:st|nd|rd|th|\.)?", re.ASCII | re.IGNORECASE)
_FRACTION = re.compile(r"(?:(\d+)(?:\s+|\+))?(\d+)\s*[/⁄]\s*(\d+)", re.ASCII)
LONGEST = 15  # digits of a number that is read as one


def say_as(accent: str, kind: str, text: str) -> str | None:
    """How a text is read as what `kind` says; None if it is none. Kinds: see `languages.Language`.

    accent: "en-us" or "en-gb".
    """
    if kind == "characters":
        return _characters(text, accent)
    if kind == "digits" and any(map(str.isdigit, text)):
        return spell(text, accent)
    if kind == "telephone" and any(map(str.isdigit, text)):
        return spell_groups(text, accent)
    if kind == "date":
        return _date(text, accent)
    if kind == "duration":
        names = ("hour", "minute", "second")
        return duration(accent, *zip(text.split(":"), names, strict=True))
    return _number(kind, text, accent)


def _number(kind: str, text: str, accent: str) -> str | None:
    """A cardinal, an ordinal or a fraction."""
    if kind == "ordinal" and (match := _ORDINAL.fullmatch(text)):
        number = match[1].replace(",", "")
        return words(number, accent, "ordinal") if len(number) <= LONGEST else None
    if kind == "fraction" and (match := _FRACTION.fullmatch(text)):
        return fraction(accent, *match.groups()) if max(map(len, match.groups(""))) <= 4 else None
    match = _NUMBER.fullmatch(plain(text)) if kind == "cardinal" and text.isascii() else None
    if match is None or len(match["whole"]) > LONGEST:
        return None
    minus, decimals = "minus " if match["minus"] else "", match["decimals"]
    return minus + words(match["whole"], accent) + (f" point {spell(decimals, accent)}" if decimals else "")


def _characters(text: str, accent: str) -> str:
    names = []
    for character in text:
        if character.isdigit() and character.isascii():
            names.append(words(character, accent))
        elif character.isalpha():
            names.append(letter(character))
        else:
            names.append(SIGNS.get(character, ""))
    return " ".join(filter(None, names))


def _date(text: str, accent: str) -> str:
    written, month, day = text.split("-")
    name = MONTHS[int(month) - 1] if month else ""
    ordinal = words(day, accent, "ordinal") if day else ""
    spoken_year = year(written, accent) if written else ""
    if name and ordinal:
        return f"{name} {ordinal}" + (f", {spoken_year}" if spoken_year else "")
    return " ".join(filter(None, (name, f"the {ordinal}" if ordinal else "", spoken_year)))
