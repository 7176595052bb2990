"""Arithmetic, ranges, fractions, ordinals, and every number that nothing else reads."""

from __future__ import annotations

import re

from .numbers import (
    DASH,
    HAN_LETTER,
    NUMBER,
    cardinal,
    circled,
    code,
    digits,
    fraction,
    integer,
    ordinal,
    rule,
)
from .scores import is_score
from .words import MEASURE, UNIT, UNITS, amount, count

_OPERATORS = {
    "+": "加", "-": "减", "×": "乘", "x": "乘", "X": "乘", "*": "乘", "÷": "除以", "=": "等于", "≈": "约等于",
    ">": "大于", "<": "小于", "≥": "大于等于", "≤": "小于等于", ">=": "大于等于", "<=": "小于等于",
    "≠": "不等于", "!=": "不等于", "==": "等于", "±": "正负",
}  # fmt: skip
_OPERATOR = "(?:>=|<=|==|!=|[-+×÷*xX=≈<>≥≤≠±])"
_SIGN = "(?:>=|<=|==|!=|[=≈<>≥≤≠×÷])"
_POWER = r"(?:[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^-?\d+)"
_MEASURED = rf"(?:(?:{UNIT})?/(?:{UNIT})|(?:{UNIT}))(?![A-Za-z0-9²³])"
_OPERAND = rf"{NUMBER}{_POWER}?%?(?: ?{_MEASURED})?"
_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


_COUNTED = re.compile(rf"{MEASURE.pattern}| ?(?:{UNIT})|[A-Za-z$€£¥%‰天万亿余多]")


def _operand(written: str, following: str = "") -> str:
    """A number with its power, percent sign or unit: 10^8m/s."""
    match = re.match(rf"(?P<number>{NUMBER})(?P<power>{_POWER})?(?P<percent>%)? ?", written, re.ASCII)
    if match is None:
        return written
    units = [UNITS[unit] for unit in written[match.end() :].split("/") if unit]
    words = (
        cardinal(match["number"]) if match["power"] else count(match["number"], "".join(units) or following)
    )
    words += _raise(match["power"], match["number"]) if match["power"] else ""
    per = "每" if written.startswith("/", match.end()) else ""
    return ("百分之" if match["percent"] else "") + words + per + "每".join(units)


def _raise(power: str, base: str = "") -> str:
    power = power.translate(_POWERS).lstrip("^")
    if power in ("2", "3") and base != "10":
        return "的平方" if power == "2" else "的立方"
    return f"的{'负' if power.startswith('-') else ''}{cardinal(power.lstrip('-'))}次方"


def _equation(match: re.Match[str]) -> str | None:
    """Signs between numbers as words; a minus alone is left to `_between`."""
    if not set(match[0]) & set("+×÷=*xX≈<>≥≤≠±"):
        return None
    words, position, operand = "", 0, True  # whether an operand comes next
    text = match[0]
    while position < len(text):
        if text[position] == " ":
            position += 1
        elif operand and text[position] == "-":
            words, position = words + "负", position + 1
        elif found := re.compile(_OPERAND if operand else _OPERATOR).match(text, position):
            following = match.string[match.end() :] if found.end() == len(text) else ""
            words += _operand(found[0], following) if operand else _OPERATORS[found[0]]
            position, operand = found.end(), not operand
        else:
            return None
    return words


def _between(match: re.Match[str]) -> str:
    """The hyphen between two numbers: 3-5 is from 3 to 5, 3-1 a score, 100-37 a difference."""
    first, second = float(match["first"]), float(match["second"])
    following = match.string[match.end() : match.end() + 4]
    if first < second:
        if is_score(match):
            return f"{ordinal(match['first'])}比{ordinal(match['second'])}"
        if _is_room(match, following):
            return f"{cardinal(match['first'])}杠{code(match['second'])}"
        return amount(f"{match['first']}到{match['second']}", following)
    if "." in match[0] or (first >= 20 and not is_score(match)):
        return f"{cardinal(match['first'])}减{cardinal(match['second'])}"
    return f"{ordinal(match['first'])}比{ordinal(match['second'])}"


def _is_room(match: re.Match[str], following: str) -> bool:
    """3-502 is no range where nothing is counted: its ends are too far apart, and the second is not round."""
    house, room = match["first"], match["second"]
    far = len(house) < 3 <= len(room) <= 4 and room.isdigit() and int(room) > 20 * int(house)
    return far and room[-1] != "0" and not _COUNTED.match(following)


def _difference(match: re.Match[str]) -> str:
    return f"{cardinal(match['first'])}减{cardinal(match['second'])}"


def _few(match: re.Match[str]) -> str | None:
    """2、3个 is 两三个, which is said as one word."""
    first, second = match["first"], match["second"]
    if int(second) != int(first) + 1:
        return None
    return ("两" if first == "2" else digits(first)) + digits(second)


def _ordinals(match: re.Match[str]) -> str:
    """第2-3 is 第二到三."""
    return "第" + re.sub(
        rf"{NUMBER}|{DASH}", lambda part: ordinal(part[0]) if part[0][0].isdigit() else "到", match[0][1:]
    )


def _fraction(match: re.Match[str]) -> str | None:
    """3/4 is 四分之三, 1 1/2 一又二分之一."""
    if int(match["above"]) == 0:
        return None
    whole = f"{integer(int(match['whole']))}又" if match["whole"] else ""
    below = match["below"] + {"万": "0000", "亿": "0" * 8}.get(match.groupdict().get("order") or "", "")
    return whole + fraction(match["above"], below)


def _half(match: re.Match[str]) -> str:
    return (f"{cardinal(match['whole'])}又" if match["whole"] else "") + circled(match["part"])


def _slashed(match: re.Match[str]) -> str:
    """视力5.0/4.8, 血压120/80: two values."""
    return f"{match['before']}{cardinal(match['first'])}，{cardinal(match['second'])}"


def _item(match: re.Match[str]) -> str:
    """①开机②登录: the items of a list have pauses around their numbers, 图① and 第②步 have none."""
    number = circled(match[0])
    before, after = match.string[: match.start()].rstrip()[-1:], match.string[match.end() :].lstrip()[:1]
    if (
        before in tuple("第图表式题例见在的和与及至到、为是由从把按")
        or not after.isalpha()
        or after in tuple("号班组")
        or match[0] in "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ"
    ):
        return number
    return ("，" if before.isalnum() else "") + number + "，"


def _more(match: re.Match[str]) -> str:
    """500+家 is 五百多家, 100+ 一百加."""
    measured = MEASURE.match(match.string, match.end()) is not None
    number, magnitude = match["number"], match["magnitude"] or ""
    return (
        cardinal(number)
        + magnitude
        + ("多" if measured and magnitude + number[-1:] in ("0", "万", "亿", "千") else "加")
    )


def _number(match: re.Match[str]) -> str:
    before = match.string[: match.start()][-1:]
    named = before.isascii() and before.isalpha()  # the train G2次
    return cardinal(match[0]) if named else count(match[0], match.string[match.end() : match.end() + 4])


# Before units: sizes and sums, whose numbers may have them.
SUM_RULES = (
    rule(
        "two values",
        rf"(?P<before>(?:血压|视力)[^\d。，]{{0,4}})(?P<first>{NUMBER})/(?P<second>{NUMBER})(?![/\d])",
        _slashed,
    ),
    rule(
        "two decimals", r"(?P<before>)(?<![\d./])(?P<first>\d+\.\d+)/(?P<second>\d+\.\d+)(?![/\d])", _slashed
    ),
    rule(
        "two values of a unit",
        rf"(?P<before>)(?<![\d./])(?P<first>{NUMBER})/(?P<second>{NUMBER})(?= ?(?:mmHg|毫米汞柱))",
        _slashed,
    ),
    rule(
        "equation",
        rf"(?<![\w./¥$€£])(?<![\w)）]-)-?{_OPERAND}(?: ?{_OPERATOR} ?-?{_OPERAND})+"
        r"(?![\d.]*\d)(?![A-Za-z]| ?[¥$€£])",
        _equation,
    ),
    rule(
        "fraction of a unit",
        rf"(?<![\w/.])(?P<above>[1-9]\d{{0,2}})/(?P<below>\d{{1,4}}) ?"
        rf"(?P<unit>{UNIT})(?![A-Za-z0-9²³/])",
        lambda match: f"{fraction(match['above'], match['below'])}{UNITS[match['unit']]}",
    ),
    rule("power with unit", rf"(?<![\w.]){NUMBER}{_POWER} ?{_MEASURED}", lambda match: _operand(match[0])),
)
RULES = (
    rule("power", rf"(?<=[\w)）]){_POWER}", lambda m: _raise(m[0], m.string[: m.start()][-2:])),
    rule(
        "few",
        r"(?<![\d.、第])(?P<first>[1-8])、(?P<second>[2-9])(?=[个只位天年周岁次本条块名人件种斤倍点百千万])",
        _few,
    ),
    rule(
        "comparison",
        rf"(?:(?<=(?u:\w))|(?<=[)）%℃])) ?(?P<sign>{_SIGN}) ?(?=-?\d|[百千]分之|"
        rf"[A-Za-z(（]|(?<=[×÷≠≈=≥≤]){HAN_LETTER})",
        lambda m: _OPERATORS[m["sign"]],
    ),
    rule(
        "equals",
        rf"(?:(?<=[\d)）%°℃])|(?<={HAN_LETTER})) ?(?P<sign>[=≈]) ?(?=(?u:\w)|[?？(（。¥$€£]|$)",
        lambda match: _OPERATORS[match["sign"]],
    ),
    rule(
        "comparison in front",
        r"(?<![\w-])(?P<sign>>=|<=|[><≥≤≈±]) ?(?=-?\d|[百千]分之)",
        lambda m: _OPERATORS[m["sign"]],
    ),
    rule("plus or minus", r"(?<=[\d\w%℃]) ?± ?(?=\d)", "正负"),
    rule("more", rf"(?<![\d.])(?P<number>{NUMBER})(?P<magnitude>[千万亿])?\+(?![\d+])", _more),
    rule("more, spelled", r"(?<=[万亿千百wWkK%])\+(?!\d)", "加"),
    rule(
        "plus between words",
        rf"(?<={HAN_LETTER}) ?\+ ?(?=(?u:\w))|"
        rf"(?<=[\w)）²³]) ?\+ ?(?={HAN_LETTER}|[(（]|[A-Za-z](?![A-Za-z]))",
        "加",
    ),
    rule("plus a number", r"(?<=[A-Za-z²³)]) ?\+ ?(?=\d)", "加"),
    rule("minus a number", r"(?<=[²³)]) ?- ?(?=\d)", "减"),
    rule("plus between numbers", r"(?<=\d) ?\+ ?(?=\d)", "加"),
    rule("difference", rf"(?P<first>{NUMBER})-(?P<second>{NUMBER})(?=等于|是多少|得(?!分)| ?=)", _difference),
    rule("ordinals", r"第\d+(?:[-–—~](?=\d)\d+)+(?!\.?\d)", _ordinals),
    rule("between", rf"(?<![\w./-])(?P<first>{NUMBER}){DASH}(?P<second>{NUMBER})(?![\d-])", _between),
    rule("to", rf"(?<=\d)~(?=-?\d)|(?<=[\d万亿千百]){DASH}(?=第?\d)", "到"),
    rule("half", r"(?:(?P<whole>\d+) ?)?(?P<part>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", _half),
    rule("circled", r"[①-⒛Ⅰ-Ⅻⅰ-ⅻ❶-➓㈠-㈩㊀-㊉㉑-㉟㊱-㊿]", _item),
    rule(
        "fraction",
        r"(?<![\w/.])(?:(?P<whole>\d{1,3}) )?(?P<above>\d{1,9})/"
        r"(?P<below>\d{1,9})(?P<order>[万亿])?(?![\w/])",
        _fraction,
    ),
    rule("times", r"(?<=(?u:\w))\*(?=\d)", "乘"),
    rule("one more", r"^\+(?=1(?:$|[，。！!~ ]))", "加"),
    rule("minus", r"(?<![\d)A-Za-z])-(?=\d)", "负"),
    rule("plus", r"(?<!\w)\+(?=\d)", "正"),
    rule("about", r"(?<![\d…~\w])~(?=\d)", "约"),
    rule("decimals alone", r"(?<![\dA-Za-z])\.\d+", lambda match: f"零{cardinal(match[0])}"[1:]),
    rule("ordinal", r"第\d+(?!\.?\d)", lambda match: "第" + ordinal(match[0][1:])),
    rule(
        "two minutes past",
        r"(?<=\d点)2(?=分)|(?<=[周期拜])(?<!每周)(?<!星期)2(?=[上下中]午|[早晚]|见)|(?<=星期)2"
        r"|(?:(?<=号楼)|(?<=[座栋幢在到去住至下]))2(?=层(?!楼))",
        "二",
    ),
    rule(
        "two to",
        rf"(?<![\d./:-])2(?=[-–—~到至或]{NUMBER})",
        lambda m: (
            "两"
            if MEASURE.match(re.sub(rf"^[-–—~到至或]{NUMBER}", "", m.string[m.end() : m.end() + 12]))
            else "二"
        ),
    ),
    rule("number", rf"(?<![\d./:]){NUMBER}", _number),
    rule("number, any", r"\d+", lambda match: cardinal(match[0])),
    rule("digit", r"\d", lambda match: digits(match[0])),
)
