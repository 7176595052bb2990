"""Numbers in Chinese words, and the parts of patterns that match written ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from ..readings.rules import Rule, make_rule

DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
CODE = str.maketrans("0123456789", "零幺二三四五六七八九")  # in codes 1 is yāo: yī sounds like qī, 7
NUMBER = r"\d+(?:\.\d+)?"
DASH = "[-–—~]"
# A Chinese character, or another letter that is not ASCII: compiles 30 times faster than a range.
HAN_LETTER = r"(?u:[^\W\d_A-Za-z])"
RANGE = rf"{NUMBER}(?:[-–—~到至]{NUMBER})?"


def rule(name: str, pattern: str, read: str | Callable[[re.Match[str]], str | None]) -> Rule:
    """A row of a table: a pattern, and its reading or a function of its match."""
    return make_rule(name, pattern, read, re.ASCII)


def integer(number: int) -> str:
    """A whole number, from 0, with 两 where it leads: 两百二十二, 十二亿零五万."""
    words = re.sub("^一(?=十)", "", _large(number))
    return re.sub("^二(?=[百千万亿])", "两", words)


def _large(number: int) -> str:
    for base, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= base:
            high, low = divmod(number, base)
            gap = "零" if 0 < low < base // 10 else ""
            return _large(high) + unit + gap + (_large(low) if low else "")
    words, zeros = "", False
    for digit, unit in zip(f"{number:04d}", ("千", "百", "十", ""), strict=True):
        if digit == "0":
            zeros = words != ""
        else:
            words += "零" * zeros + digit.translate(DIGITS) + unit
            zeros = False
    return words or "零"


def cardinal(number: str) -> str:
    """A number, its decimals digit by digit; so is a whole one with zeros in front, 007, or very long."""
    whole, point, decimals = number.partition(".")
    if (len(whole) > 1 and whole[0] == "0" and not point) or len(whole) > 16:
        words = whole.translate(DIGITS)
    else:
        words = integer(int(whole or "0"))
    return words + ("点" + decimals.translate(DIGITS) if point else "")


def ordinal(number: str) -> str:
    """After 第 it is 二百, not 两百."""
    return re.sub("^两", "二", cardinal(number))


def digits(number: str) -> str:
    """Digit by digit, as years are: 二零二四."""
    return number.translate(DIGITS)


def code(number: str, between: str = "，") -> str:
    """Digit by digit with 幺, a pause or a word between groups: "零幺零，六二五幺幺二三四"."""
    groups = [group.translate(CODE) for group in re.findall(r"转?\d+", re.sub(r"转\s", "转", number))]
    return ("加" if number.startswith("+") else "") + between.join(groups)


def fraction(above: str, below: str) -> str:
    """Three quarters is 四分之三."""
    return f"{re.sub('^一(?=[百千万]+$)', '', ordinal(below))}分之{ordinal(above)}"


def circled(character: str) -> str:
    """The number of ①, ⑴, Ⅳ and ㈠; ½ is 二分之一."""
    value = unicodedata.numeric(character)
    if value.is_integer():
        return integer(int(value))
    return fraction(*unicodedata.normalize("NFKC", character).split("\N{FRACTION SLASH}"))
