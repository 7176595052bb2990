"""Times of day and durations in digits."""

from __future__ import annotations

import re

from ..sentences import SENTENCE_END
from .numbers import Row, spell, words

HALF = rf"(?P<half>[aApP])(?:[mM]\b|\.\s?[mM]\b(?:\.(?!{SENTENCE_END[3:]})?)"
_BEFORE_CLOCK = re.compile(
    r"(?i)(?:\b(?:at|by|until|till|from|since|before|after|around|to)|[\d:]\s*[-–]|T|,) ?$"
)
_AFTER_CLOCK = re.compile(r" ?(?:Z|UTC|GMT|[ECMP][SD]?T|BST|CES?T|o'clock|hours)\b")
_BRITISH = (
    r"(?<=\b)(?P<before>(?:[Aa]t|[Uu]ntil|[Tt]ill|[Ff]rom|[Bb]y|[Bb]efore|[Aa]fter|[Aa]round|[Aa]bout) )"
)


_RATIO = re.compile(r"(?i)\b(?:ratio|odds|scale|split|mix|proportion)")


def clock(accent: str, hour: str, minute: str | None, second: str | None, half: str | None = None) -> str:
    """ "nine oh five P-M", "twelve o'clock", "fifteen hundred"."""
    spoken = words(hour, accent)
    if minute and minute != "00":
        spoken += (" oh " if minute[0] == "0" else " ") + words(minute, accent)
    elif not half and not second:
        spoken += " o'clock" if 1 <= int(hour) <= 12 and hour[0] != "0" else " hundred"
    if second:
        spoken += f" and {words(second, accent)} second" + ("s" if second != "01" else "")
    return spoken + (f" {half.upper()}-M" if half else "")  # the hyphen keeps "A" from being the article


def zone(accent: str, written: str | None) -> str:
    """ "Z", "+02:00"; "" for None."""
    if not written:
        return ""
    if written.strip() == "Z":
        return " U-T-C"
    hours, minutes = written[1:3], written[-2:]
    sign = "plus" if written[0] == "+" else "minus"
    return f" U-T-C {sign} {words(hours, accent)}" + ("" if minutes == "00" else f" {words(minutes, accent)}")


def duration(accent: str, *parts: tuple[str | None, str]) -> str:
    """ "one hour, five minutes and thirty seconds"; parts that are nought are left out."""
    spoken = [
        f"{words(number, accent)} {unit}{'s' * (int(number) != 1)}"
        for number, unit in parts
        if number and int(number)
    ]
    return " and ".join([", ".join(spoken[:-1]), spoken[-1]] if len(spoken) > 1 else spoken) or "zero seconds"


def _time(accent: str, match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    hour, minute, second, half = (groups.get(name) for name in ("hour", "minute", "second", "half"))
    if hour is None:
        return None
    if int(hour) > 24:
        if minute:
            return _minutes(accent, match)
        return f"{words(hour, accent)} {half.upper()}-M" if half else None  # 30pm: a slip, not picometers
    half = half or groups.get("short")
    if second and not half and (len(hour) == 1 or hour[0] == "0"):
        before, after = match.string[: match.start()], match.string[match.end() :]
        if not _BEFORE_CLOCK.search(before[-10:]) and not _AFTER_CLOCK.match(after):
            return duration(accent, (hour, "hour"), (minute, "minute"), (second, "second"))
    return (groups.get("before") or "") + clock(accent, hour, minute, second, half)


def _minutes(accent: str, match: re.Match[str]) -> str | None:
    """29:45 of a race or a match -> "twenty-nine forty-five"; 60:40 and odds are ratios."""
    minutes, seconds = int(match["hour"]), int(match["minute"])
    if match["second"] or minutes > 90 or minutes + seconds == 100 or _RATIO.search(match.string):
        return None
    if not seconds:
        return duration(accent, (match["hour"], "minute"))
    return f"{words(match['hour'], accent)} {'oh ' * (seconds < 10)}{words(match['minute'], accent)}"


def _hours(accent: str, match: re.Match[str]) -> str | None:
    """0800-1700 hrs, at 0630, at 1430 hours."""
    is_early = match["hour"][0] == "0"
    before = match.string[max(0, match.start() - 8) : match.start()]
    is_time = re.search(r"(?i)\b(?:at|until|till|from|by|before|after|around|about) $", before)
    if not (is_early or match["hours"]) or not (is_time or (match["hours"] and (is_early or match["last"]))):
        return None
    spoken = [
        "oh " * (hour[0] == "0" and hour != "00")
        + clock(accent, hour, minute, None).replace("o'clock", "hundred")
        for hour, minute in ((match["hour"], match["minute"]), (match["last"], match["last_minute"]))
        if hour
    ]
    return " to ".join(spoken) + (" hours" if match["hours"] else "")


def _british_time(accent: str, match: re.Match[str]) -> str | None:
    return _time(accent, match) if accent == "en-gb" else None


def _race(accent: str, match: re.Match[str]) -> str:
    """3:59.4 -> "three fifty-nine point four"."""
    second = ("oh " if match["second"][0] == "0" else "") + words(match["second"], accent)
    return f"{words(match['minute'], accent)} {second} point {spell(match['part'], accent)}"


def _letters(accent: str, match: re.Match[str]) -> str:
    names = ("hour", "minute", "second")
    return duration(accent, *((match[name], name) for name in names))


# Before codes: 0800-1700 is no telephone number.
MILITARY_ROWS: tuple[Row, ...] = (
    (
        "hours in four digits",
        r"(?P<hour>[01]\d|2[0-3])(?<![\w.,-]\d\d)(?P<minute>[0-5]\d)"
        r"(?: ?[-–] ?(?P<last>[01]\d|2[0-3])(?P<last_minute>[0-5]\d))?"
        r"(?P<hours> ?(?:hrs|hours)\b(?! of))?(?![\w%]|[.,:/-]\d| \d)",
        _hours,
    ),
)
ROWS: tuple[Row, ...] = (
    (
        "race time",
        r"(?<![\d:.])(?P<minute>\d{1,2}):(?P<second>[0-5]\d)\.(?P<part>\d{1,3})(?![\d:.]\d|\d)",
        _race,
    ),
    (
        "time",
        r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:]|,\d{3})"
        rf"(?:\s?{HALF}|(?P<short>[ap])(?![\w'.]\w|\w))?",
        _time,
    ),
    ("time with a full stop", rf"(?<![\d:.,$£€])(?P<hour>1?\d)\.(?P<minute>[0-5]\d)\s?{HALF}", _time),
    ("hour", rf"(?<![\d:.,$£€])(?P<hour>\d{{1,2}})\s?{HALF}", _time),
    (
        "British time",
        rf"{_BRITISH}(?P<hour>1?\d|2[0-3])\.(?P<minute>[0-5][05])(?![\d%]|\.\d| ?(?:%|percent|per cent"
        rf"|million|billion|[a-z]{{1,2}}\b(?<!on)(?<!in)(?<!to)(?<!we)(?<!he)(?<!is)(?<!as)(?<!by)(?<!at)))",
        _british_time,
    ),
    (
        "hours and minutes",
        r"(?<![\w.])(?P<hour>\d{1,3}) ?(?:h|hrs?) ?(?P<minute>\d{1,2}) ?(?:m"
        r"|mins?)?(?: ?(?P<second>\d{1,2}) ?s(?:ecs?)?)?\b",
        _letters,
    ),
    (
        "minutes and seconds",
        r"(?<![\w.])(?P<hour>(?!))?(?P<minute>\d{1,3}) ?(?:m|mins?) ?(?P<second>\d{1,2}) ?s(?:ecs?)?\b",
        _letters,
    ),
    (
        "hyphen between times",
        r"(?:(?<=\d[aApP][mM])|(?<=[aApP]\.[mM]\.)|(?<= [aApP][mM])) ?[-–] ?(?=\d|noon|midnight)",
        " to ",
    ),
    ("ratio", r"(?<=\d):(?=\d)", " to "),
)
