"""Codes, read digit by digit: telephone, ISBN, cards, postal codes; models, scores and versions."""

from __future__ import annotations

import re

from ...readings.rules import alternatives
from .. import names
from .numbers import THOUSANDS, Row, cardinal, letters, spell, words

STATES = "|".join([*names.STATES, "DC"])
# A number after one of these is read digit by digit.
CODED = (
    r"zip(?: code)?|ZIP(?: code)?|[Pp]ost(?:al )?code|PIN(?: code)?|[Pp]ass(?:word|code)|[Cc]ode|OTP"
    r"|[Ee]xt(?:ension|\.)?|"
    r"[Aa]ccount(?: number)?|[Aa]cct\.?|[Ss]erial(?: number)?|[Tt]racking(?: number)?"
    r"|[Cc]onfirmation(?: number)?|"
    r"[Ee]nding in|[Pp]hone(?: number)?|[Tt]elephone|[Tt]el\.?|[Ff]ax|[Dd]ial|[Tt]ext|SSN|[Ss]ort code"
    r"|[Rr]outing number|"
    r"[Bb]ooking(?: number)?|[Rr]eference(?: number)?|[Oo]rder(?: number)?|[Cc]ase(?: number)?|[Rr]ef\.?"
)
# Before a chapter and a verse: the short forms with or without a full stop.
BIBLE = {
    "Gen": "Genesis", "Ex": "Exodus", "Exod": "Exodus", "Lev": "Leviticus", "Num": "Numbers",
    "Deut": "Deuteronomy", "Ps": "Psalm", "Prov": "Proverbs", "Isa": "Isaiah", "Jer": "Jeremiah",
    "Matt": "Matthew", "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians", "Eph": "Ephesians",
    "Phil": "Philippians", "Col": "Colossians", "Heb": "Hebrews", "Rev": "Revelation",
    "Tim": "Timothy", "Thess": "Thessalonians", "Pet": "Peter", "Sam": "Samuel", "Chron": "Chronicles",
    "Josh": "Joshua", "Judg": "Judges", "Dan": "Daniel", "Ezek": "Ezekiel", "Eccl": "Ecclesiastes",
}  # fmt: skip
ROMAN = {"I": "1", "II": "2", "III": "3"}
BOOKS = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|Samuel|Kings|Chronicles|Ezra|Nehemiah|"
    "Esther|Job|Psalms?|Proverbs|Ecclesiastes|Isaiah|Jeremiah|Ezekiel|Daniel|Hosea|Joel|Amos|Jonah|Micah|"
    "Matthew|Mark|Luke|John|Acts|Romans|Corinthians|Galatians|Ephesians|Philippians|Colossians|Thessalonians|"
    "Timothy|Titus|Hebrews|James|Peter|Jude|Revelation"
)
_COUNTS = re.compile(
    r" (?!(?:always|unless|perhaps|plus)\b)(?:[a-z]{3,}s|people|men|women|children|more|[kcm]?m|kg)\b"
)
_CODED_NAMES = {"ext": "extension", "acct": "account", "tel": "telephone", "ref": "reference"}


def spell_groups(written: str, accent: str) -> str:
    """Digit by digit, a comma's pause between the groups."""
    groups = [spell(group, accent) for group in re.findall(r"[^\W_]+", written)]
    return ("plus " if written[0] == "+" else "") + ", ".join(groups)


def _phone(accent: str, match: re.Match[str]) -> str:
    return spell_groups(match[0], accent)


def _local_phone(accent: str, match: re.Match[str]) -> str | None:
    """555-1234, but not 100-1000 people."""
    is_range = re.fullmatch(r"\d{3}-\d{4}", match[0]) and _COUNTS.match(match.string, match.end())
    return None if is_range else _phone(accent, match)


def _isbn(accent: str, match: re.Match[str]) -> str:
    kind = f" {words(match['kind'], accent)}" if match["kind"] else ""
    name = letters(match["name"])
    return f"{name}{kind}{',' if match['kind'] else ''} {spell_groups(match['code'], accent)}"


def _state(accent: str, match: re.Match[str]) -> str:
    return f"{letters(match['state'])} {spell_groups(match['zip'], accent)}"


def _coded(accent: str, match: re.Match[str]) -> str | None:
    code = match["code"]
    between = match["between"]
    if between == " ":
        is_verb = re.match(r"(?i)(?:order|case|reference|booking)$", match["name"])  # order 2000 of them
        is_short = re.match(r"(?i)(?:text|dial|phone|fax)$", match["name"]) and len(code) < 4
        if is_verb or is_short or _COUNTS.match(match.string, match.end()):
            return None
    name = match["name"].rstrip(".")
    between = between.replace("#", "number ").replace("No. ", "number ").replace("no. ", "number ")
    return f"{_CODED_NAMES.get(name.lower(), name)}{between}{spell_groups(code, accent)}"


def _verse(accent: str, match: re.Match[str]) -> str:
    """1 Cor. 13:4–7 -> "First Corinthians thirteen four to seven"."""
    number = (
        f"{words(ROMAN.get(match['number'], match['number']), accent, 'ordinal').capitalize()} "
        if match["number"]
        else ""
    )
    verse = words(match["verse"], accent) + (f" to {words(match['last'], accent)}" if match["last"] else "")
    book = match["book"]
    return f"{number}{BIBLE.get(book, book)} {words(match['chapter'], accent)} {verse}"


def _points(accent: str, version: str) -> str:
    return " point ".join(cardinal(part, accent) for part in version.split("."))


def _address(accent: str, match: re.Match[str]) -> str | None:
    """127.0.0.1:8080, 10.0.0.0/24; a version where a number is too large for an address."""
    parts = match["address"].split(".")
    if any(int(part) > 255 for part in parts):
        return None
    spoken = " dot ".join(cardinal(part, accent) for part in parts)
    if match["port"]:
        spoken += f", port {_port(match['port'], accent)}"
    return spoken + (f" slash {words(match['mask'], accent)}" if match["mask"] else "")


def _port(port: str, accent: str) -> str:
    """8080 -> "eighty eighty", 443 -> "four forty-three", 5000 -> "five thousand"."""
    if len(port) == 4 and port[1:3] != "00" and port[2] != "0":
        return f"{words(port[:2], accent)} {words(port[2:], accent)}"
    return _hundreds(port, accent)


def _host(accent: str, match: re.Match[str]) -> str:
    return f", port {_port(match['port'], accent)}"


def _short_code(accent: str, match: re.Match[str]) -> str:
    return match["before"] + spell_groups(match["code"], accent)


def _version(accent: str, match: re.Match[str]) -> str:
    return f"v {_points(accent, match['version'])}"


def _countdown(accent: str, match: re.Match[str]) -> str:
    """5-4-3-2-1, a 4-4-2 formation: the numbers alone; groups that begin with a zero, digit by digit."""
    groups = re.split("[-–]", match[0])
    if all(len(group) == 3 and group[1:] != "00" for group in groups):
        return spell_groups(match[0], accent)
    if any(len(group) > 3 or (len(group) > 1 and group[0] == "0") for group in groups):
        return spell_groups(match[0], accent)
    return " ".join(words(group, accent) for group in groups)


def _model(accent: str, match: re.Match[str]) -> str:
    """747-400 -> "seven forty-seven four hundred"."""
    space = "" if match["suffix"] is None else " "
    return f"{_hundreds(match['first'], accent)} {_hundreds(match['second'], accent)}{space}"


def _hundreds(written: str, accent: str) -> str:
    if len(written) == 3 and written[1:] != "00" and written[1] != "0":
        return f"{words(written[0], accent)} {words(written[1:], accent)}"
    return cardinal(written, accent)


def _models(accent: str, match: re.Match[str]) -> str | None:
    """B-52s, 747s -> "seven forty-sevens", 2x4s, under-12s."""
    before = match.string[max(0, match.start() - 7) : match.start()]
    is_boeing = re.fullmatch(r"7\d7", match["number"]) and not re.search(r"[\w.,/-]$", before)
    if not is_boeing and not re.search(r"\b[A-Z]-$|Boeing $|\d[x×]$|\b[Uu]nder-$|\b[Oo]ver-$", before):
        return None
    spoken = _hundreds(match["number"], accent)
    return spoken[:-1] + "ies" if spoken.endswith("y") else spoken + ("es" if spoken.endswith("six") else "s")


def _exponent(accent: str, match: re.Match[str]) -> str:
    sign = "minus " if match["sign"] in ("-", "−") else ""
    return f"{cardinal(match['number'], accent)} e {sign}{words(match['power'], accent)}"


_SEPARATED = r"\d{3}[ -]\d{3}[ -]\d{4}"
ROWS: tuple[Row, ...] = (
    (
        "verse of the Bible",
        rf"\b(?:(?P<number>[123]|I{{1,3}}) )?(?P<book>{BOOKS}|{alternatives(BIBLE)})\.? "
        rf"(?P<chapter>\d{{1,3}})"
        r":(?P<verse>\d{1,3})(?:[-–](?P<last>\d{1,3}))?(?![\w:]|-\d)",
        _verse,
    ),
    (
        "network address",
        r"(?<![\w.])(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?::(?P<port>\d{1,5})|/(?P<mask>\d\d?))?"
        r"(?![\w:/]|\.\d)",
        _address,
    ),
    ("port of a host", r"(?<=\blocalhost):(?P<port>\d{2,5})(?!\w)", _host),
    ("short code", r"(?P<before>\b[Tt]ext \w{1,12} to )(?P<code>\d{4,6})(?!\w)", _short_code),
    (
        "ISBN",
        r"\b(?P<name>ISBN|ISSN|EAN|UPC|IMEI|IBAN)(?:-(?P<kind>1[03]))?(?: ?(?:number|no\.?"
        r"|code))?:? ?(?P<code>[A-Z]{0,2}\d(?:[ -]?[\dA-Z]){5,33})(?!\w)",
        _isbn,
    ),
    (
        "card number",
        r"(?<![\w.-])\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\w-])|(?<![\w-])\d{4} \d{6} \d{5}(?!\w)",
        _phone,
    ),
    (
        "social security number or sort code",
        r"(?<![\w.-])\d{3}-\d\d-\d{4}(?![\w-])|\d\d-\d\d-\d\d(?<=[Ss]ort code \d\d-\d\d-\d\d)(?!\w)",
        _phone,
    ),
    (
        "state and ZIP code",
        rf"\b(?P<state>{STATES}|D\.C\.),? (?P<zip>\d{{5}}(?:-\d{{4}})?)(?![\w-]|,\d)",
        _state,
    ),
    ("British postal code", r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b", _phone),
    ("Canadian postal code", r"\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b", _phone),
    (
        "telephone",
        r"(?<![\w.-])(?:\+?\d{1,3}[ .-])?(?:\(\d{3}\)[ -]?|\d{3}[-. ])?\d{3}[-.]\d{4}(?![\w-])",
        _local_phone,
    ),
    (
        "international telephone",
        r"(?<![\w.])\+\d{1,3}(?:[ -]?(?:\(\d{1,4}\)|\d{2,}|\d(?=[ -]))){2,}(?!\w)",
        _phone,
    ),
    (
        "national telephone",
        r"(?<![\w.-])(?<!\d )(?:\(0\d{2,5}\)|0\d{2,5})(?:[ -]\d{3,6}){1,3}(?![\w-])"
        r"|(?<![\w.-])0\d(?:[ .-]\d\d){4}(?![\w-])"
        r"|(?<![\w.-])\(\d{3}\) ?\d{3}[ -]\d{4}(?!\w)",
        _phone,
    ),
    (
        "telephone after a verb",
        rf"(?:(?<=[Cc]all )|(?<=[Rr]ing )|(?<=[Tt]ext )|(?<=[Dd]ial )|(?<=[Ff]ax )|(?<=[Tt]el: )|(?<=one: )"
        rf"|(?<= at ))(?:{_SEPARATED}|\d{{3}}[ -]\d{{4}})(?![\w-])",
        _phone,
    ),
    (
        "telephone with letters",
        r"(?<![\w.-])1-\d{3}-(?=[A-Z]{3,})",
        lambda accent, match: f"{spell_groups(match[0], accent)}, ",
    ),
    (
        "emergency number",
        r"(?:(?<=[Cc]all )|(?<=[Dd]ial )|(?<=[Rr]ing ))(?:911|999|112|101|111|411|988)(?!\w|[.,]\d"
        r"| (?!or\b|and\b|for\b|if\b|in\b|now\b|at\b|when\b)[a-z])",
        _phone,
    ),
    (
        "code",
        rf"\b(?P<name>{CODED})(?P<between>:? |:| is | is: | number "
        rf"| (?:[Nn]o\. )?#? ?)(?P<code>\d{{3,}}(?:[ -]\d{{2,}})*)(?![\w%]|[.,:/]\d)",
        _coded,
    ),
    (
        "number with an exponent",
        r"(?<![\w.])(?P<number>\d+(?:\.\d+)?)[eE](?P<sign>[-−+]?)(?P<power>\d+)(?!\w)",
        _exponent,
    ),
    ("countdown", r"(?<![\w.,$£€%/-])\d{1,4}(?:[-–]\d{1,4}){2,}(?![\w%/-]|[.,]\d)", _countdown),
    (
        "model",
        r"(?<![\w.,$£€-])(?:(?=7\d7-)|(?<=Boeing )|(?<=Airbus )"
        r"|(?<=[Mm]odel ))(?P<first>\d{3})-"
        r"(?P<second>\d{1,3})(?P<suffix>(?=[A-Z]{1,3}\b|i\b))?(?![\da-hj-z%-]|[.,]\d)",
        _model,
    ),
    (
        "models",
        r"(?P<number>\d{1,3})'?s\b",
        _models,
    ),
    ("version after v", r"(?<!\w)(?P<v>[vV]\.? ?)(?P<version>\d+(?:\.\d+)+)(?!\w)", _version),
    (
        "version",
        rf"(?<![\w.])(?!{THOUSANDS}(?!\.))\d+(?:\.\d+){{2,}}(?!\w|,\d)",
        lambda accent, match: _points(accent, match[0]),
    ),
    (
        "version after a name",
        r"\b(?P<name>[Vv]ersion|Python|Ubuntu|macOS|iOS|Java|Node|Django|Android|Debian) "
        r"(?P<version>\d+\.\d+)(?![\w.]\w|\w)",
        lambda accent, match: f"{match['name']} {_points(accent, match['version'])}",
    ),
)
