"""<say-as>: what is written is read as the kind of thing that the user says it is.

A language spells letters, digits and numbers (`languages.Language.say_as`). Where its usual rules read a kind
well once they know where it begins and ends, these do.
"""

from __future__ import annotations

import re

from ..languages import find_language
from ..readings.rules import apply_readings
from ..traced import TracedText

# The names in use, of SSML's drafts and of those who speak it.
KINDS = {
    "characters": "characters", "spell-out": "characters", "verbatim": "characters",
    "cardinal": "cardinal", "number": "cardinal", "ordinal": "ordinal", "digits": "digits",
    "number_digit": "digits", "fraction": "fraction", "telephone": "telephone", "date": "date",
    "time": "time", "duration": "duration", "currency": "usual", "money": "usual", "unit": "usual",
    "address": "usual",
}  # fmt: skip
_DURATION = re.compile(
    r"(?:(\d+)[:h]\s*)?(\d+)\s*[:'′m]\s*(\d+)\s*(?:''|[\"″s])?|(\d+)\s*(['′\"″])", re.ASCII
)
_PARTS = {"y": 0, "m": 1, "d": 2}


def read_say_as(text: str, interpret_as: str, form: str, language: str) -> str | None:
    """How a text is read; None: the kind is unknown, or the text is not of it.

    Args:
        text: the content of the element.
        interpret_as, form: its attributes interpret-as and format; "": no format.
        language: of the text around it.
    """
    text, kind = " ".join(text.split()), KINDS.get(interpret_as.strip().lower(), "")
    spoken: str | None = None
    if kind == "date":
        spoken = _date(text, form, language)
    elif kind in ("time", "duration"):
        spoken = _time(text, form, kind, language)
    elif kind == "usual":
        spoken = _usual(text, language)
    elif kind:
        spoken = find_language(language).say_as(kind, text)
    return spoken or None


def _usual(text: str, language: str) -> str:
    """As the rules of the language read a text that stands alone."""
    return apply_readings(TracedText.of(text), find_language(language).find_readings(text)).text


def _date(text: str, form: str, language: str) -> str | None:
    """A date by its format (mdy, dm, yyyymmdd), else as usual."""
    order = "".join(c for i, c in enumerate(form.lower()) if c in "ymd" and c not in form.lower()[:i])
    if not order or re.search(r"[^\W\d_]", text):  # May 5
        return _usual(text, language)
    numbers = re.findall(r"\d+", text, re.ASCII)
    if len(numbers) == 1 < len(order):  # 20240501
        long = len(numbers[0]) > 2 * len(order)
        sizes = [4 if part == "y" and long else 2 for part in order]
        if sum(sizes) != len(numbers[0]):
            return None
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        numbers = [numbers[0][end - size : end] for size, end in zip(sizes, ends, strict=True)]
    if len(numbers) != len(order):
        return None
    parts = ["", "", ""]
    for part, number in zip(order, numbers, strict=True):
        parts[_PARTS[part]] = number
    year, month, day = parts
    if len(year) not in (0, 2, 4) or not (1 <= int(month or 1) <= 12 and 1 <= int(day or 1) <= 31):
        return None
    if len(year) == 2:
        year = ("19" if int(year) > 68 else "20") + year
    return find_language(language).say_as("date", f"{year}-{month}-{day}")


def _time(text: str, form: str, kind: str, language: str) -> str | None:
    """A time of day as usual; 1'21", and what is called a duration, by its parts."""
    match = _DURATION.fullmatch(text)
    if match is None or (kind == "time" and ":" in text):
        return _usual(text, language)
    hours, minutes, seconds, number, mark = match.groups(default="0")
    if mark != "0":
        minutes, seconds = (number, "0") if mark in "'′" else ("0", number)
    elif hours == "0" and form.lower() in ("hm", "hhmm", "h:m"):
        hours, minutes, seconds = minutes, seconds, "0"
    return find_language(language).say_as("duration", f"{int(hours)}:{int(minutes)}:{int(seconds)}")
