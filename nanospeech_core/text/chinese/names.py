"""Names with digits and signs: addresses, models, licence plates, trains, flights, slang such as 666."""

from __future__ import annotations

import re

from ..language_detection import ADDRESS
from .numbers import HAN_LETTER, cardinal, code, digits, rule
from .words import BRANDS, DIGIT_NAMES, NOT_COUNTED, SLANG, spell

# As an address is read to somebody who writes it down. "@" is "at" there; before a name it is 艾特.
_ADDRESS_SIGNS = {
    ".": "点", "@": " at ", "-": "横杠", "_": "下划线", "/": "斜杠", ":": "冒号", "?": "问号", "=": "等于",
    "&": "和", "%": "百分号", "#": "井号", "+": "加", "~": "波浪线",
}  # fmt: skip
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_AIRLINES = "CA|MU|CZ|HU|MF|ZH|3U|SC|HO|9C|FM|KN|GS|JD|EU|8L|PN|TV|GJ|CX|KA|CI|BR|SQ"


def _address(match: re.Match[str]) -> str:
    """abc@163.com: letters as words, digits one by one, 点 for the dots."""
    address = re.sub(r"^https?://|/$", "", match[0])
    address = re.sub(r"^www(?=\.)", "三W", address)
    spoken = re.sub(r"(?u:[^\w\s])|_", lambda sign: _ADDRESS_SIGNS.get(sign[0], " "), address)
    return code_in_place(spoken)


def code_in_place(written: str) -> str:
    """Digits one by one with 幺, where they are among letters: G101 is G幺零幺."""
    return re.sub(r"\d+", lambda number: code(number[0]), written)


def _letters_and_code(match: re.Match[str]) -> str:
    """京AD12345, CA1501: letters by their names, digits one by one."""
    written = re.sub("[·• ]", "", match[0])
    return code_in_place(re.sub("[A-Z]{2,}", lambda letters: spell(letters[0]), written))


def _brand(match: re.Match[str]) -> str | None:
    """Boeing 737 is 七三七, but 麒麟9000 九千."""
    number = match["number"]
    return None if number.endswith("00") else match["word"] + digits(number)


def _standard(match: re.Match[str]) -> str:
    return "杠".join(digits(part) for part in match[0].split("-"))


def _groups(match: re.Match[str]) -> str:
    """HT-2024-001 is HT 二零二四杠零零幺."""
    return " " + code(match[0], "杠")


def _house(match: re.Match[str]) -> str | None:
    """长江路18-1号 is 十八杠一号; 18-20号 is a range."""
    if int(match["first"]) < int(match["second"]):
        return None
    return f"{cardinal(match['first'])}{match['mark']}杠{cardinal(match['second'])}"


def _roman(match: re.Match[str]) -> str | None:
    """III期 and 第V章, but V型 is the letter."""
    roman, before, after = match[0], match.string[: match.start()], match.string[match.end()]
    sure = len(roman) > 1 or before.endswith("第") or (roman == "I" and after in "期型类")
    return cardinal(str(_ROMAN[roman])) if sure and roman in _ROMAN else None


def _figure(match: re.Match[str]) -> str:
    return "杠".join(map(cardinal, re.findall(r"\d+", match[0])))


def _licence(match: re.Match[str]) -> str:
    return code_in_place(match[1]) + (f"杠{cardinal(match[2])}" if match[2] else "")


def _lineage(match: re.Match[str]) -> str:
    """BA.2.86: 点二点八六."""
    return "".join(f"点{digits(part)}" for part in match[0][1:].split("."))


# Before dates, which have points and hyphens too.
ADDRESS_RULES = (
    rule("address", ADDRESS.pattern, _address),
    rule("room after a unit", r"(?:(?<=单元)|(?<=\d[栋座幢]))-\d{3,4}(?!\d)", lambda m: f"杠{code(m[0])}"),
    rule(
        "masked",
        r"(?<!\d)(\d{3,6})(\*{2,})(\d{2,4})(?!\d)",
        lambda m: f"{code(m[1])}，{cardinal(str(len(m[2])))}个星号，{code(m[3])}",
    ),
    rule("licence", r"(?<=备)(\d{6,}号)(?:-(\d+))?", _licence),
    rule(
        "house",
        r"(?:(?<=[路街巷弄])|(?<=大道))(?P<first>\d+)(?P<mark>号?)-(?P<second>\d+)(?:(?=号)|(?<=号-\d)(?![\d月日-]))",
        _house,
    ),
)

RULES = (
    rule(
        "licence plate",
        rf"(?<=[{_PROVINCES}])[A-Z][·• ]?(?=[A-Z]*\d)[A-Z\d]{{5,6}}(?!\w)",
        _letters_and_code,
    ),
    rule(
        "train",
        r"(?<![A-Za-z\d])[GDCZTKYSL]\d{1,4}(?=次|/\d{1,4}次|列车|高铁|动车)|(?<=[坐乘搭])[GDCZTKYSL]\d{2,4}(?![\w.路号])",
        _letters_and_code,
    ),
    rule("flight", rf"(?<![A-Za-z\d])(?:{_AIRLINES})\d{{3,4}}(?!\w)", _letters_and_code),
    rule("slang", SLANG, lambda match: digits(match[0])),
    rule(
        "name in digits",
        rf"(?<![\d.,¥$第])(?:{DIGIT_NAMES})",
        lambda match: "点".join(map(digits, match[0].split("."))),
    ),
    rule("brand", rf"(?P<word>(?:{BRANDS})[A-Z]? ?)(?P<number>\d{{3,4}})(?![.,]\d){NOT_COUNTED}", _brand),
    rule(
        "year of a name",
        rf"(?<=[a-z] )20[0-3]\d(?<!000)(?![.,]\d){NOT_COUNTED}",
        lambda match: digits(match[0]),
    ),
    rule(
        "list item",
        rf"(?:^| |(?<=[。；，！？]))(\d{{1,2}})\.(?={HAN_LETTER})",
        lambda m: ("，" if m[0][0] == " " and m.start() else "") + f"{cardinal(m[1])}，",
    ),
    rule("figure", r"(?<=[图表式题例])\d{1,2}(?:[-–]\d{1,2}){1,2}(?![\d例个道张题页天])", _figure),
    rule("case", r"(?<=[民刑行执破知][初终再申监特字])\d{2,5}(?=号)", lambda match: code(match[0])),
    rule("bus", r"(?<![\d.兵分])\d{3}(?=路(?!人|诸))", lambda match: code(match[0])),
    rule(
        "two digits of a name",
        r"(?:(?<=\bN)|(?<=\bKN))95|(?:(?<=\bWin)|(?<=\bWindows ))9[58]|"
        r"(?<=\bIP)\d\d|(?<=\bAK)47|(?<=\bx)(?:86|64)",
        lambda match: digits(match[0]),
    ),
    rule("lines or a type", r"(?<![\d.,¥$])\d{3,5}(?=[pP](?![A-Za-z])|[FX]\b|X\d)", lambda m: digits(m[0])),
    rule("standard", r"(?<=[A-Z] )\d{3,6}-(?:19|20)\d\d(?!\d)", _standard),
    rule("groups of a type", r"(?<=[A-Z])-\d{3,}(?:-\d+)+(?![\d.,%])", _groups),
    rule("lineage", r"(?<=[A-Z]{2})(?<!EP)(?<!LV)(?<!NO)(?:\.\d+)+(?!\d)", _lineage),
    rule("abbreviation before a number", r"(?<=[A-Za-z])(?<!\b[Nn][oO])\.(?=\d)", " "),
    rule("exponent", r"(?<=\d)[eE]-(?=\d)", "e负"),
    rule("subscript", "[₀-₉]+", lambda match: cardinal(str(int(match[0].translate(_SUBSCRIPTS))))),
    rule("underscore", r"(?<=\w)_(?=\d)|(?<=\d)_(?=\w)", "下划线"),
    rule(
        "weeks",
        r"(?<=孕)(\d{1,2})[wW](?:\+(\d))?",
        lambda m: f"{cardinal(m[1])}周" + (f"加{cardinal(m[2])}" if m[2] else ""),
    ),
    rule("Roman number", r"(?<![A-Za-z])[IVX]{1,4}(?=[期型级类度代区阶章节卷部条款届])", _roman),
    rule("types", r"(?<=[A-Z] )\d\d+/\d\d+(?![\d/])", lambda m: "、".join(map(cardinal, m[0].split("/")))),
    rule("mention", r"(?<!\w)@ ?(?=(?u:[^\W\d]))", "艾特"),
    rule("protection", r"(?<=[A-Z])\+{3,4}", lambda match: f"{cardinal(str(len(match[0])))}个加"),
    rule("letters", r"(?<![A-Za-z])yyds(?![A-Za-z])", lambda match: spell("YYDS")),
    rule(
        "port",
        r"(?:(?<=\.\d)|(?<=\.\d\d)|(?<=\.\d{3})|(?<=localhost)):\d{4,5}(?!\d)",
        lambda m: f"，{digits(m[0][1:])}",
    ),
    rule("aperture", r"(?<=\b[fF])/\d+(?:\.\d+)?", lambda match: cardinal(match[0][1:])),
)
