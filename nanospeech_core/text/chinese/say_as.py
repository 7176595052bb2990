"""Letters, numbers, dates and durations of which the user says what they are; see `text.ssml.say_as`."""

from __future__ import annotations

import re

from .numbers import cardinal, code, digits, fraction, integer, ordinal
from .words import spell

SIGNS = {
    ".": "点", "-": "杠", "_": "下划线", "/": "斜杠", "\\": "反斜杠", "@": "艾特", "#": "井号", "&": "和",
    "+": "加号", "*": "星号", "=": "等号", ":": "冒号", ",": "逗号", "%": "百分号", "，": "逗号",
    "。": "句号", "？": "问号", "！": "感叹号", "?": "问号", "!": "感叹号",
}  # fmt: skip
_NUMBER = re.compile(r"(?P<minus>[-−]?)(?P<number>\d+(?:\.\d+)?)", re.ASCII)
_ORDINAL = re.compile(r"第?\s*(\d+)", re.ASCII)
_FRACTION = re.compile(r"(?:(\d+)(?:\s+|又|\+))?(\d+)\s*[/⁄]\s*(\d+)", re.ASCII)
_CHARACTERS = re.compile(r"[A-Za-z]+|\d|.", re.ASCII)
LONGEST = 16  # digits of a number that is read as one


def say_as(kind: str, text: str) -> str | None:
    """How a text is read as what `kind` says; None if it is none. Kinds: see `languages.Language`."""
    if kind == "characters":
        parts = (_spelled(match[0]) for match in _CHARACTERS.finditer(text))
        return "".join(part if len(part) == 1 else f" {part} " for part in parts if part).strip()
    if kind == "digits" and (numbers := re.findall(r"\d+", text, re.ASCII)):
        return digits("".join(numbers))
    if kind == "telephone" and re.search(r"\d", text, re.ASCII):
        return code(text)
    if kind == "date":
        year, month, day = text.split("-")
        spoken = (f"{digits(year)}年" if year else "") + (f"{integer(int(month))}月" if month else "")
        return spoken + (f"{integer(int(day))}日" if day else "")
    if kind == "duration":
        units = zip(map(int, text.split(":")), ("小时", "分", "秒"), strict=True)
        return "".join(f"{_count(number)}{unit}" for number, unit in units if number) or "零秒"
    return _number(kind, text)


def _number(kind: str, text: str) -> str | None:
    """A cardinal, an ordinal or a fraction."""
    if kind == "ordinal" and (match := _ORDINAL.fullmatch(text)):
        return f"第{ordinal(match[1])}" if len(match[1]) <= LONGEST else None
    if kind == "fraction" and (match := _FRACTION.fullmatch(text)):
        if max(map(len, match.groups(""))) > LONGEST:
            return None
        return (f"{cardinal(match[1])}又" if match[1] else "") + fraction(match[2], match[3])
    match = _NUMBER.fullmatch(re.sub(r"[,，\s]", "", text)) if kind == "cardinal" else None
    if match is None or len(match["number"].partition(".")[0]) > LONGEST:
        return None
    return ("负" if match["minus"] else "") + cardinal(match["number"].lstrip("0") or "0")


def _count(number: int) -> str:
    return "两" if number == 2 else integer(number)


def _spelled(part: str) -> str:
    if part.isascii() and part.isalpha():
        return spell(part.upper()) if len(part) > 1 else part.upper().replace("A", "Eh")
    return digits(part) if part.isalnum() else SIGNS.get(part, "")
