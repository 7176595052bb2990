"""Dates and times: "15/03/2024", "2024-03-15T14:30", "14:30 h", "8:30 p. m.", "a. C."."""

from __future__ import annotations

import re

from ..readings.rules import alternatives
from .numbers import FEMININE, MASCULINE, STOP, Row, integer

MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip
_SHORT = {name[:3]: name for name in MONTHS} | {"sept": "septiembre"}
_SHORT_MONTH = alternatives(_SHORT)
_MONTH = r"0?[1-9]|1[0-2]"
_DAY = r"0?[1-9]|[12]\d|3[01]"
_CLOCK = r"(?P<hour>[01]?\d|2[0-4])(?::|(?<=\d)[hH]|(?<=\d)\.)(?P<minute>[0-5]\d)"
_HALF = rf"(?P<half>[ap])\.? ?m\b{STOP}"
_PARTS = {
    "a": ((1, "de la noche"), (6, "de la madrugada"), (12, "de la mañana")),
    "p": ((1, "del mediodía"), (8, "de la tarde"), (12, "de la noche")),
}


def date(year: str, month: str, day: str) -> str:
    """ "quince de marzo de dos mil veinticuatro"; a part may be ""."""
    parts = [integer(int(day)) if day else "", MONTHS[int(month) - 1] if month else ""]
    parts.append(integer(_full_year(year)) if year else "")
    return " de ".join(filter(None, parts))


def _full_year(year: str) -> int:
    value = int(year)
    return value + (2000 if value < 50 else 1900) if len(year) == 2 else value


def clock(hour: int, minute: int, spoken: bool = True) -> str:
    """ "ocho y media", "catorce treinta". spoken: no unit follows, so that halves and quarters have names."""
    hours = integer(hour, FEMININE)
    if not minute:
        return hours if hour or not spoken else "cero horas"
    minutes = integer(minute)
    if hour > 12 or not spoken:
        return f"{hours} {'cero ' * (minute < 10)}{minutes}"
    if minute in (15, 30):
        return f"{hours} y {'cuarto' if minute == 15 else 'media'}"
    return f"{hours} y {minutes}" if minute < 30 else f"{hours} {minutes}"


def duration(hours: int, minutes: int, seconds: int) -> str:
    """ "una hora, dos minutos y tres segundos"; without the parts that are zero."""
    parts = [
        f"{integer(value, form)} {name}" + "s" * (value != 1)
        for value, form, name in (
            (hours, FEMININE, "hora"),
            (minutes, MASCULINE, "minuto"),
            (seconds, MASCULINE, "segundo"),
        )
        if value
    ]
    if not parts:
        return "cero segundos"
    return " y ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _read_date(match: re.Match[str]) -> str:
    spoken = date(match["year"], match["month"], match["day"])
    groups = match.groupdict()
    if not groups.get("hour"):
        return spoken
    return f"{spoken}, {clock(int(groups['hour']), int(groups['minute']), spoken=False)}" + (
        " u te ce" if groups.get("zulu") else ""
    )


def _read_short_month(match: re.Match[str]) -> str | None:
    """ "3 ene. 2024", "12-oct-24", "5 de sept."; without a mark or a year, "3 mar" may be anything."""
    if not (match["sign"] == "-" or match["stop"] or match["year"]):
        return None
    return date(match["year"] or "", str(MONTHS.index(_SHORT[match["month"].lower()]) + 1), match["day"])


def _read_clock(match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    hour, minute = int(groups["hour"]), int(groups.get("minute") or 0)
    if half := groups.get("half"):
        if not 1 <= hour <= 12:
            return None
        part = next(name for end, name in _PARTS[half.lower()] if hour % 12 < end)
        return f"{clock(hour, minute)} {part}"
    if groups.get("unit"):
        return f"{clock(hour, minute, spoken=False)} hora{'s' * (hour != 1 or minute > 0)}"
    seconds = int(groups.get("second") or 0)
    return clock(hour, minute) + (f" y {integer(seconds)} segundos" if seconds else "")


def _read_duration(match: re.Match[str]) -> str:
    return duration(*(int(match[name]) for name in ("hours", "minutes", "seconds")))


_ISO = r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])"
_TIME_ZONE = r"(?::[0-5]\d(?:\.\d+)?)?(?P<zulu>Z)?"

ROWS: tuple[Row, ...] = (
    (
        "ISO date and time",
        rf"(?<![\d-]){_ISO}[T ](?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d){_TIME_ZONE}(?![\d:])",
        _read_date,
    ),
    ("ISO date", rf"(?<![\d-]){_ISO}(?![\d-]|[T/]\d)", _read_date),
    (
        "date",
        rf"(?<![\d/.-])(?P<day>{_DAY})(?P<sign>[/.-])(?P<month>{_MONTH})(?P=sign)(?P<year>\d{{4}}|\d\d)(?![\d/-]|\.\d)",
        _read_date,
    ),
    (
        "date with a short month",
        rf"(?<![\d/.-])(?P<day>{_DAY})(?P<sign> de | |-)(?P<month>{_SHORT_MONTH})\b(?P<stop>{STOP})"
        r"(?:(?: de | |-)(?P<year>\d{4}|\d\d)(?!\d))?",
        _read_short_month,
    ),
    ("time of the day", rf"(?<![\d.,:]){_CLOCK} ?{_HALF}", _read_clock),
    ("full hour of the day", rf"(?<![\d.,:])(?P<hour>1[0-2]|[1-9]) ?{_HALF}", _read_clock),
    ("time with its unit", rf"(?<![\d.,:]){_CLOCK} ?(?P<unit>h(?:oras|s|rs)?)\b{STOP}(?!/)", _read_clock),
    (
        "hours with their unit",
        rf"(?<=las )(?P<hour>[01]?\d|2[0-4]) ?(?P<unit>h(?:oras|s|rs)?)\b{STOP}",
        _read_clock,
    ),
    ("time after the article", rf"(?<=\blas ){_CLOCK}(?![\d:,]|\.\d)", _read_clock),
    (
        "duration",
        r"(?<![\d:])(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)(?![\d:])",
        _read_duration,
    ),
    ("time", r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?![\d:])", _read_clock),
    ("before Christ", rf"\ba\. ?(?:de )?C\b{STOP}", "antes de Cristo"),
    ("after Christ", rf"\bd\. ?(?:de )?C\b{STOP}", "después de Cristo"),
)
