"""Dates: in digits, with months in letters, ranges, seasons, decades, weekdays."""

from __future__ import annotations

import re

from ...readings.rules import alternatives
from .numbers import Row, words, year
from .times import clock, zone

MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Weds": "Wednesday",
    "Thu": "Thursday", "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday",
    "Sun": "Sunday",
}  # fmt: skip
# A date in digits without its year, or with two digits of it, follows one of these.
_BEFORE_DATE = (
    rf"(?:on|by|due|dated|until|till|since|from|before|after|of|for|born|date:?|{alternatives(WEEKDAYS)}|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\.?,?"
)
_MONTH = "|".join(rf"{month}\b|{month[:3]}\b\.?" for month in MONTHS) + r"|Sept\b\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_CLOCK = (
    r"(?:(?:T| |, )(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d+)?)?"
    r"(?! ?[aApP]\.?[mM])(?P<zone> ?Z\b|[+-]\d\d:?\d\d\b)?)?"
)
_YEAR = r"1[1-9]\d\d|20\d\d"


def _full_year(digits: str) -> str:
    if len(digits) > 2:
        return digits
    return ("19" if int(digits) > 68 else "20") + digits


def _month_name(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name[:3]))


def _ordinal(day: str, accent: str) -> str:
    return words(day, accent, "ordinal")


def _date_in_digits(accent: str, match: re.Match[str]) -> str | None:
    """2020-07-04, and 07/04/2020. The month is first unless the accent, the dots or the numbers differ."""
    groups = match.groupdict()
    month, day = int(match["a"]), int(match["b"])
    day_first = groups.get("day_first") is not None or (accent == "en-gb" and "iso" not in groups)
    if "iso" not in groups and (month > 12 or (day_first and day <= 12)):
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    spoken = f"{MONTHS[month - 1]} {_ordinal(str(day), accent)}"
    if groups.get("year"):
        spoken += f", {year(_full_year(match['year']), accent)}"
    if groups.get("hour"):
        time = clock(
            accent, match["hour"], match["minute"], match["second"] if match["second"] != "00" else None
        )
        spoken += f", {time}{zone(accent, match['zone'])}"
    before = groups.get("before", "")
    weekday = before.rstrip("., ")
    return (f"{WEEKDAYS[weekday]} " if weekday in WEEKDAYS else before) + spoken


def _month_and_year(accent: str, match: re.Match[str]) -> str:
    return f"{MONTHS[int(match['month']) - 1]} {year(match['year'], accent)}"


def _day_and_month(accent: str, match: re.Match[str]) -> str | None:
    above, below = int(match["a"]), int(match["b"])
    due = re.match(r"(?i)due|dated|date|\w+day|mon|tue|wed|thu|fri|sat|sun", match["before"])
    if (above, below) == (9, 11) or (above < below <= 10 and not due):  # a fraction
        return None
    return _date_in_digits(accent, match)


def _month_day(accent: str, match: re.Match[str]) -> str | None:
    spoken = f"{_month_name(match['month'])} {_ordinal(match['day'], accent)}"
    return spoken + (f" to {_ordinal(match['last'], accent)}" if match["last"] else "")


def _day_month(accent: str, match: re.Match[str]) -> str | None:
    the = match["the"] or "the "
    last = f" to the {_ordinal(match['last'], accent)}" if match["last"] else ""
    ending = f" {year(_full_year(match['year']), accent)}" if match["year"] else ""
    return f"{the}{_ordinal(match['day'], accent)}{last} of {_month_name(match['month'])}{ending}"


def _season(accent: str, match: re.Match[str]) -> str | None:
    """2024/25, 1939-45; 2024-03 is a month."""
    first, last = match["first"], match["last"]
    if int(last) == (int(first) + 1) % 100 or int(last) > int(first[2:]):
        end = f"oh {words(last, accent)}" if last[0] == "0" else words(last, accent)
        return f"{year(first, accent)} {'' if match['mark'] == '/' else 'to '}{end}"
    if match["mark"] == "-" and 1 <= int(last) <= 12 and last[0] in "01":
        return f"{MONTHS[int(last) - 1]} {year(first, accent)}"
    return None


def _fiscal_year(accent: str, match: re.Match[str]) -> str:
    """FY2025, FY 25, Q3 FY24."""
    kind = "fiscal" if match["kind"] == "F" else "calendar"
    digits = match["year"]
    if digits is None:  # a season follows: FY2024/25
        return f"{kind} year "
    if len(digits) > 2:
        return f"{kind} year {year(digits, accent)}"
    spoken = [("oh " if two[0] == "0" else "") + words(two, accent) for two in (digits, match["last"]) if two]
    return f"{kind} year {' '.join(spoken)}"


def _decade(accent: str, match: re.Match[str]) -> str | None:
    century, tens = match["century"], match["tens"]
    if tens == "00":
        return year(century + tens, accent) + "s" if century else None
    if not (century or match["apostrophe"] or _is_decade(match)):
        return None
    spoken = words(tens, accent)
    spoken = spoken[:-1] + "ies" if spoken.endswith("y") else spoken + "s"
    return (f"{words(century, accent)} " if century else "") + spoken


def _is_decade(match: re.Match[str]) -> bool:
    """Whether "30s" are years and not seconds."""
    before = match.string[max(0, match.start() - 14) : match.start()]
    following = match.string[match.end() : match.end() + 12]
    if re.search(
        r"(?i)\b(?:the|her|his|their|my|our|your|its|mid|early|late|low|high|\ds (?:and|or|to|&))[ -]$",
        before,
    ):
        return True
    if re.match(r" (?:and|or|to|&) \d0s\b", following):
        return True
    timed = (
        r"(?i)\b(?:for|wait|within|after|in|every|about|another|takes?|took|than|then|of|to|only|just|at) $"
    )
    return int(match["tens"]) >= 60 and not re.search(timed, before)


def _weekday(accent: str, match: re.Match[str]) -> str | None:
    return WEEKDAYS[match["day"]]


def _to_month(accent: str, match: re.Match[str]) -> str | None:
    return (
        " to " if _ENDS_WITH_MONTH.search(match.string, max(0, match.start() - 10), match.start()) else None
    )


def _to_weekday(accent: str, match: re.Match[str]) -> str | None:
    return " to " if _ENDS_WITH_DAY.search(match.string, max(0, match.start() - 10), match.start()) else None


def _month(accent: str, match: re.Match[str]) -> str | None:
    return _month_name(match["month"])


_ENDS_WITH_MONTH = re.compile(rf"(?:{'|'.join(f'{month}|{month[:3]}' for month in MONTHS)}|[a-z]\.)$")
_ENDS_WITH_DAY = re.compile(r"(?:Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun|day|[a-z]\.)$")
_DAYS = alternatives(WEEKDAYS)
_SHORT_MONTHS = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
_JOINED = r"(?= ?[-–/&] ?|,? (?:to|and|through|thru|&) |, )"
ROWS: tuple[Row, ...] = (
    (
        "ISO date",
        rf"(?<![\w-])(?P<iso>)(?P<year>[12]\d{{3}})(?P<mark>[-/.])(?P<a>\d{{1,2}})(?P=mark)"
        rf"(?P<b>\d{{1,2}})(?!\d){_CLOCK}"
        r"(?![\w-])",
        _date_in_digits,
    ),
    (
        "date with slashes",
        rf"(?<![\w/])(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/(?P<year>[12]\d{{3}}|\d\d)(?![\w/]){_CLOCK}",
        _date_in_digits,
    ),
    (
        "date with dots",
        r"(?<![\w.])(?P<day_first>)(?P<a>\d{1,2})\. ?(?P<b>\d{1,2})\. ?(?P<year>1[5-9]\d\d|20\d\d)(?!\w"
        r"|\.\w)",
        _date_in_digits,
    ),
    (
        "date with hyphens",
        r"(?<![\w-])(?P<a>\d{1,2})-(?P<b>\d{1,2})-(?P<year>1[5-9]\d\d|20\d\d)(?![\w-])",
        _date_in_digits,
    ),
    (
        "date with a short year",
        rf"(?P<before>\b(?i:{_BEFORE_DATE}) )(?P<day_first>(?=\d+\.))?(?P<a>\d{{1,2}})(?P<mark>[-.])"
        rf"(?P<b>\d{{1,2}})(?P=mark)"
        r"(?P<year>\d\d)(?!\w|[-.]\w)",
        _date_in_digits,
    ),
    (
        "day and month in digits",
        rf"(?P<before>\b(?i:{_BEFORE_DATE}) )(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})(?![\w/%]| ?(?:of|cup|inch"
        rf"|mile|hour|t[bs]p)\b)",
        _day_and_month,
    ),
    (
        "month and year in digits",
        r"(?<![\w/.-])(?P<month>0?[1-9]|1[0-2])/(?P<year>19\d\d|20\d\d)(?![\w/-])",
        _month_and_year,
    ),
    (
        "fiscal year",
        r"(?<![\w/-])(?:(?P<kind>[FC])Y(?:(?= ?(?:1[5-9]|20)\d\d[-/–]\d\d(?![\w/-]))"
        r"|[ -]?'?(?P<year>(?:19|20)\d\d|(?<=FY)\d\d|(?<=FY[ '-])\d\d)(?:[-/–](?P<last>(?<=\D\d\d.)\d\d))?"
        r"(?!\w|[/–-]\d|[.,]\d)))",
        _fiscal_year,
    ),
    (
        "season",
        r"(?:(?<![\w/.-])|(?<=\bFY))(?P<first>1[5-9]\d\d|20\d\d)(?P<mark>[-/–])(?P<last>\d\d)(?![\w/-]"
        r"|[.,]\d)",
        _season,
    ),
    (
        "month and day",
        rf"\b(?P<month>{_MONTH}) (?P<day>{_DAY})(?:st|nd|rd|th)?\b"
        rf"(?: ?[-–] ?(?P<last>{_DAY})(?:st|nd|rd|th)?\b(?! (?:{_MONTH})))?(?![:.,]?\d|[%]|[-–]\d)",
        _month_day,
    ),
    (
        "day and month",
        rf"\b(?P<the>[Tt]he )?(?P<day>{_DAY})(?:st|nd|rd|th)?(?: ?[-–/] ?(?P<last>{_DAY})(?:st|nd|rd|th)?)?"
        rf"[ -](?:of )?(?P<month>{_MONTH})(?!\w)(?:-(?P<year>[12]\d{{3}}|\d\d)(?![\w-]))?",
        _day_month,
    ),
    (
        "weekday",
        rf"(?<![Tt]he )(?<![\w'])(?P<day>{_DAYS})\.(?=[\s,;:)–—/-]*[\w(&])(?!\s+(?:The|It|He|She|We|They|You"
        rf"|But|And|I)\b)",
        _weekday,
    ),
    (
        "weekday at the end",
        rf"(?:(?<=on )|(?<=every )|(?<=next )|(?<=last )|(?<=this )|(?<=[Cc]losed ))(?P<day>{_DAYS})(?=\.)",
        _weekday,
    ),
    (
        "weekday in a range",
        rf"(?<![\w'])(?P<day>{_DAYS})\.?{_JOINED}(?=[^\w]*(?:\w+ )?(?:{_DAYS})\b)",
        _weekday,
    ),
    (
        "end of a range of weekdays",
        r"(?:(?<=[a-z.][-–/&])|(?<= [-–&/] )|(?<= to )|(?<=day and )|(?<=day or )|(?<=\. and )|(?<=\. or )"
        + "".join(rf"|(?<={day} and )" for day in WEEKDAYS)
        + ")"
        rf"(?P<day>{_DAYS})(?!\w)",
        _weekday,
    ),
    (
        "weekday before a date or time",
        rf"(?<![\w'])(?P<day>{_DAYS})(?=,? (?:\d|{_SHORT_MONTHS}\b)|: )",
        _weekday,
    ),
    ("Monday to Friday", r"(?<![\w-])M[-–]F(?=,? (?:\d|from\b|only\b)|[:.,;)]|$)", "Monday to Friday"),
    (
        "hyphen between weekdays",
        rf"(?<=[a-z.]) ?[-–] ?(?=(?:{_DAYS})(?:day|sday|nesday|rsday|urday)?\b)",
        _to_weekday,
    ),
    (
        "month",
        rf"(?<![\w'])(?P<month>{_SHORT_MONTHS})(?:\.(?=\s*[-–,;:)\d]|\s+[a-z\d])|(?=,? (?:{_YEAR})\b))",
        _month,
    ),
    ("month in a range", rf"(?<![\w'])(?P<month>{_SHORT_MONTHS})(?= ?[-–] ?(?:{_MONTH}))", _month),
    ("end of a range of months", rf"(?:(?<=[a-z.][-–])|(?<= [-–] ))(?P<month>{_SHORT_MONTHS})(?!\w)", _month),
    (
        "hyphen between months",
        rf"(?<=[a-z.]) ?[-–] ?(?=(?:{_MONTH})(?!\w))",
        _to_month,
    ),
    (
        "hyphen between dates",
        rf"(?:(?<=\d)|(?<=\d (?:{'|'.join(m[:3] for m in MONTHS)}))) ?[-–] ?(?=(?:(?:{_DAYS})\.? )?"
        rf"(?:(?:{_MONTH}) \d|{_DAY} (?:{_MONTH})))",
        " to ",
    ),
    (
        "decade",
        r"(?<!\w)(?P<apostrophe>')?(?P<century>1[1-9]|20)?(?P<tens>[1-9]0|(?<=\d\d)00)'?s\b",
        _decade,
    ),
)
