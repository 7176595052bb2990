"""Codes digit by digit: telephones, rooms, orders, versions; names with digits; capitals and file names."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..readings.rules import alternatives
from .numbers import cardinal, code, digits, rule
from .words import (
    CALLED,
    CURRENCIES,
    EXTENSIONS,
    NICKNAMES,
    NOT_COUNTED,
    NUMBERED,
    ROOMS,
    SERVICES,
    SPELLED_ANYWAY,
    TYPES,
    WORDS,
    spell,
)


def _after_word(between: str) -> Callable[[re.Match[str]], str]:
    """A reading of a code that follows the word that announces it."""

    def read(match: re.Match[str]) -> str:
        return match["word"] + code(match["code"], between)

    return read


def _room(match: re.Match[str]) -> str:
    """3-201 is 三杠二零幺: a house by its number, a room by its digits. 501-503 are rooms."""
    parts = match["code"].split("-")
    if len(parts) == 2 and 2 < len(parts[0]) == len(parts[1]):
        return match["word"] + "到".join(map(code, parts))
    return match["word"] + "杠".join(code(part) if len(part) > 2 else cardinal(part) for part in parts)


def _model(match: re.Match[str]) -> str | None:
    """RTX 4090 is read digit by digit, USD 4090 is money."""
    return None if match.string[: match.start() - 1].endswith(tuple(CURRENCIES)) else digits(match[0])


def _name(match: re.Match[str]) -> str:
    """5·12 is 五幺二, 3·8 三八."""
    return code(match[1] + match[2]) if len(match[2]) > 1 else digits(match[1] + match[2])


def _points(match: re.Match[str]) -> str:
    """16.4.1 is 十六点四点一, 192.168.1.1 一九二点一六八点一点一."""
    parts = match[0].split(".")
    return "点".join(digits(part) if len(part) > 2 or part[0] == "0" else cardinal(part) for part in parts)


def _groups(match: re.Match[str]) -> str:
    """3-2-501 is a room, 90-60-90 three sizes, 6222-0212-3456 a code."""
    groups = match[0].split("-")
    if all(len(group) == 2 and group[0] != "0" for group in groups):
        return "，".join(map(cardinal, groups))
    is_room = max(map(len, groups[:-1])) < 3 <= len(groups[-1]) <= 4
    return (
        "杠".join(cardinal(group) if len(group) < 3 else code(group) for group in groups)
        if is_room
        else code(match[0])
    )


def _capitals(match: re.Match[str]) -> str | None:
    """ABCDEFG and ICU letter by letter, where espeak-ng would read a word."""
    word, order = match[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if word in WORDS:
        return None
    if word in order or word in order[::-1] or re.fullmatch("[A-D]{4,}", word):
        return spell(word)
    phrase = re.search(r"[A-Za-z] $", match.string[: match.start()]) or re.match(
        " [A-Z]{2}", match.string[match.end() :]
    )
    if len(word) > 5 or phrase or word in SPELLED_ANYWAY or not set(word) & set("AEIOUY"):
        return None
    return spell(word)


_NICKNAMES = tuple(NICKNAMES.values())
_ROOM = r"(?P<code>\d+(?:-\d+)+)"
# Before dates, which have points too.
FILE_RULES = (
    rule(
        "file extension",
        rf"\.(?:{alternatives(EXTENSIONS)}|{alternatives(EXTENSIONS).upper()})(?![A-Za-z\d])",
        lambda m: f"点{EXTENSIONS[m[0][1:].lower()]}",
    ),
)

RULES = (
    rule(
        "telephone abroad",
        r"(?<![\w.])\+(?=(?:\d[ -]?){8})\d{1,3}(?:[ -]?\d{2,})+",
        lambda match: code(match[0]),
    ),
    rule(
        "called",
        rf"(?P<word>(?:{CALLED})[为是:： ]{{0,2}})"
        rf"(?P<code>\d{{3,}}(?:[- ]\d+)*(?:转 ?\d{{1,5}})?){NOT_COUNTED}",
        _after_word("，"),
    ),
    rule(
        "telephone",
        r"(?<![\w.-])(?:0\d{2,3}[- ]|[(（]0\d{2,3}[)）][ -]?)\d{3,4}[- ]?\d{4}(?:[-转] ?\d{1,5})?(?![\w-])",
        lambda m: code(m[0]),
    ),
    rule(
        "mobile",
        r"(?<![\w.-])(?:1\d\d([- ])\d{4}\1|[48]00[- ]\d{3,4}[- ]?)\d{3,4}(?![\w-])",
        lambda match: code(match[0]),
    ),
    rule("room, announced", rf"(?P<word>(?:{ROOMS})[为是:： ]{{0,2}}){_ROOM}", _room),
    rule("room", rf"(?P<word>)(?<![\w.-]){_ROOM}(?=室|房(?!间数|产)|号房|号楼|单元|栋|座)", _room),
    rule(
        "room of a building",
        rf"(?P<word>)(?:(?<=[\dA-Z][栋幢座区])|(?<=[苑园庭府寓邸墅])){_ROOM}(?![\w-])",
        _room,
    ),
    rule(
        "numbered",
        rf"(?P<word>(?:{NUMBERED})[为是:： ]{{0,2}})(?:N[oO]\.? ?|№ ?)?"
        rf"(?P<code>\d{{3,}}(?:-\d+)*|\d+(?:-\d+)+){NOT_COUNTED}",
        _after_word("杠"),
    ),
    rule(
        "numbered abroad", r"(?P<word>ISBN(?:-1[03])?[:： ]{0,2})(?P<code>\d[\d-]{8,16}\d)", _after_word("，")
    ),
    rule(
        "service called",
        rf"(?:(?<=[打拨叫呼警])|(?<=急救))(?:{SERVICES}){NOT_COUNTED}",
        lambda match: code(match[0]),
    ),
    rule(
        "service",
        rf"(?<![\d.])(?:{SERVICES})(?=报警|急救|火警|消防|热线|电话|客服|平台)",
        lambda match: code(match[0]),
    ),
    rule(
        "service, known",
        rf"(?<![\d.])(?:12306|12345|12315|10086|10010|955\d\d){NOT_COUNTED}",
        lambda match: code(match[0]),
    ),
    rule(
        "room number",
        rf"(?<![\d.])\d{{3,4}}(?=室|号?房(?![屋产价源贷子租]|间[数量])|会议室|教室|病房|办公室|实验室|诊室|包[间厢])|(?:(?<=\d[楼层栋座幢门])|(?<=\d单元)|(?<=\d号楼)|(?<=[A-Z][座栋区]))\d{{3,4}}(?!平){NOT_COUNTED}",
        lambda match: code(match[0]),
    ),
    rule("national road", r"(?<![\d.])\d{3}(?=国道|省道|医院)", lambda match: code(match[0])),
    rule("share", r"(?<=[（(])\d{6}(?=[)）]|\.S[HZ])", lambda match: code(match[0])),
    rule("model", r"(?<=[A-Z]{2} )\d{4}(?![\d.,年万])", _model),
    rule(
        "model of a type",
        r"(?<=[A-Z])-\d{3,}(?![\d.,%])|(?<=[A-Za-z]\d)-\d{3,}",
        lambda match: " " + digits(match[0][1:]),
    ),
    rule(
        "name with digits", r"(?<=[A-Za-z·_\\])(?<!\d[xX])\d{3,}(?![.,:]?\d)", lambda match: digits(match[0])
    ),  # GB2312
    rule("version", r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)", _points),  # v1.2.3
    rule(
        "digits with hyphens",
        r"(?<![\w.-])\d(?:-\d){2,}(?![\w-])",
        lambda match: digits(match[0].replace("-", "")),
    ),
    rule("groups with hyphens", r"(?<![\w.-])\d+(?:-\d+){2,}(?![\w-])", _groups),
    rule(
        "long number", r"(?<![\d.,])(?:\d{12,}|1\d{10})(?![\d.,%]|[万亿元个人])", lambda match: code(match[0])
    ),
    rule(
        "nickname",
        rf"(?<!\d)(?:{'|'.join(f'(?P<n{number}>{pattern})' for number, pattern in enumerate(NICKNAMES))})",
        lambda match: _NICKNAMES[int(str(match.lastgroup)[1:])],
    ),
    rule("day of a name", r"(?<!\d)(\d\d?)·(\d\d?)(?!\d)", _name),
    rule("first", r"(?:\bN[oO]\.|№) ?(?=\d)", "第"),
    rule("to", r"(?<=\b[A-GI-Z])2(?=[A-Z]\b)", " to "),  # B2B
    rule("number sign", r"(?<=\d)#(?!\w*#)", "号"),
    rule(
        "number sign before",
        r"(?<!\w)#(?P<number>\d+)(?![\d#])",
        lambda match: f"{cardinal(match['number'])}号",
    ),
    rule("plus plus", r"(?<=\b[A-Z])\+\+", "加加"),
    rule(
        "grade", r"(?<=\b[A-Z])(?P<sign>[+-])(?![\w+-])", lambda match: "加" if match["sign"] == "+" else "减"
    ),
)


# After amounts, which letters and hyphens belong to first.
NAME_RULES = (
    rule(
        "hyphen of a type",
        rf"(?:(?<=[A-Za-z])|(?<=[A-Za-z]\d\.\d)|"
        rf"{'|'.join(f'(?<={word})' for word in TYPES.split('|'))})-(?=\d)",
        lambda match: " " if match.string[match.start() - 1].isascii() else "",
    ),
    rule("capitals", r"(?<![A-Za-z])[A-Z]{2,}(?![a-z])", _capitals),
    rule(
        "capitals apart",
        r"(?<![A-Za-z\d'.])[A-Z](?:[ /][A-Z])+(?![A-Za-z\d'])",
        lambda match: spell(re.sub("[ /]", "", match[0])),
    ),
)
