"""Written Chinese to spoken Chinese: simplified characters, no digits.

Each kind of reading has a table of rules. The tables apply in order, the more particular ones first. The
rules match the sentence in plain characters; the readings have places in the sentence as it is written.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from ..characters import HAN, fold
from ..readings.rules import Reading, Rule, apply_readings, find_readings
from ..traced import TracedText
from .numbers import HAN_LETTER, rule
from .pinyin import import_library

_MARKS = str.maketrans(",.!?;:()", "，。！？；：（）")
_TYPED_AFTER = (
    rf"(?:(?<={HAN_LETTER})|(?<=[”」』）\d%℃]))"  # where a mark of a Western keyboard ends a Chinese word
)

# Characters and signs that are written in more than one way, before anything is read.
_PLAIN = str.maketrans("−﹣‐‑〜∼µ∶\u2126", "----~~μ:Ω")
_RAISED = str.maketrans("23", "²³")  # ㎡ is m²
_SPACED = re.compile(
    rf"(?<=\d)[ \u00a0\u2009]+(?=[{HAN}%‰℃°])|(?<=[{HAN}])[ \u00a0\u2009]+(?=\d(?!\d?\.[{HAN}]))"
    r"|(?<!\d)(?<!\d[,.])\d{1,3}(?:,\d{3})+(?![,\d])"
    r"|(?<![\d ])\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?= ?[元人个名件家只台辆美欧公千平吨米亿万])"
    r"|(?<![\d，])\d{1,3}(?:，\d{3})+(?=[元人万亿美吨米名])"
    r"|(?<=\d)：(?=\d)|[㎀-㏟]",
    re.ASCII,
)

# 著 is also how traditional text writes the particle 着, but never in these words.
_WORD_RULES = (
    rule("着", r"(?<![名原专编显卓土合译论巨拙遗执昭])著(?![名作者书称录述])", "着"),
    rule("什么", "甚么", "什么"),
)
_MARK_RULES = (
    rule("opening quote", "[『〈]", "「"),
    rule("closing quote", "[』〉]", "」"),
    rule("per", rf"(?<=[元克升吨])/(?={HAN_LETTER})", "每"),
    rule(
        "slash",
        rf"(?:(?<={HAN_LETTER})|(?<=[\d%℃])|(?<=\d[GV])) ?/ ?(?=\d|{HAN_LETTER})|"
        rf"(?<={HAN_LETTER}) ?/ ?(?=[A-Za-z])",
        "、",
    ),
    rule("arrow", "(?:->|=>|[→⇒➔➜]) ?", "，"),
    rule("and", rf"(?<={HAN_LETTER}) ?& ?(?={HAN_LETTER})|(?<=\d) ?& ?(?=\d)", "和"),
    rule("ellipsis", r"…+|\.{3,}|。{2,}", "…"),
    rule("dash", "[—–-]{2,}|―+", "—"),
    rule("two marks", "[！？]{2,}", lambda match: "？" if "？" in match[0] else "！"),
    rule("mark twice", r"([，。；：、])\1+", lambda match: match[1]),
    rule("typed mark", rf"{_TYPED_AFTER}[,!?;:]+|[,!?;:]+(?={HAN_LETTER})", lambda m: _typed(m[0])),
    rule("typed full stop", rf"{_TYPED_AFTER}\.(?!\.)(?=\W|$)", "。"),
)


@functools.cache
def _rules() -> tuple[Rule, ...]:
    """All rules. Their tables are loaded on first use: compiling takes 80 ms, and plain prose needs none."""
    from . import amounts, codes, counts, dates, names, scores

    return (
        *_WORD_RULES,
        *names.ADDRESS_RULES,
        *codes.FILE_RULES,
        *scores.RULES,
        *dates.RULES,
        *names.RULES,
        *codes.RULES,
        *counts.SUM_RULES,
        *amounts.RULES,
        *amounts.UNIT_RULES,
        *codes.NAME_RULES,
        *counts.RULES,
        *_MARK_RULES,
    )


# 周四19:00 is 周四，十九点, not 四十九点.
_APART = re.compile(r"[一二三四五六七八九]\d", re.ASCII)
_PROSE_RULES = (*_WORD_RULES, *_MARK_RULES)
_MORE_THAN_PROSE = re.compile(
    rf"[^{HAN}\s，。！？；：、“”‘’（）《》「」『』…—·.,!?;:]|[一二三四五六日天末月]—(?=[周星礼一二三四五六七八九十])"
)


class _Plain(NamedTuple):
    """A sentence in plain characters.

    Attributes:
        text: what the rules see.
        places: of each of its characters, in the sentence as it is written.
        characters: for each written character, what stands for it: m² for ㎡, nothing for a space in 第 3 章.
    """

    text: str
    places: list[int]
    characters: list[str]


def normalize(text: str) -> str:
    """A sentence as it is read aloud: simplified characters, no digits, punctuation that `pinyin` knows.

    Letters of other scripts stay.

    Raises:
        UserError: opencc cannot be loaded.
    """
    return apply_readings(TracedText.of(text), find(text)).text


def find(text: str) -> list[Reading]:
    """What is read otherwise than it is written, in order of places in the text. Raises as `normalize`."""
    plain = _make_plain(text)
    rules = _rules() if _MORE_THAN_PROSE.search(plain.text) else _PROSE_RULES
    readings: list[Reading] = []
    position = 0
    for found in find_readings(plain.text, rules):
        start, end = max(plain.places[found.start], position), plain.places[found.end - 1] + 1
        apart = _APART.match(plain.text, found.start - 1) if found.start else None
        spoken = f"，{found.spoken}" if apart else found.spoken
        readings += [*_rewritten(text, plain, position, start), Reading(start, max(start, end), spoken)]
        position = max(start, end)
    return readings + _rewritten(text, plain, position, len(text))


def simplified(text: str) -> str:
    """Traditional characters as simplified ones. Raises UserError if opencc cannot be loaded."""
    return _opencc()(text)


@functools.cache
def _opencc() -> Callable[[str], str]:
    return import_library("opencc").OpenCC("t2s").convert


def _typed(marks: str) -> str:
    """Marks of a Western keyboard as Chinese ones."""
    marks = marks.translate(_MARKS)
    return marks if len(marks) == 1 else "？" if "？" in marks else marks[0]


def _make_plain(text: str) -> _Plain:
    folded = fold(text)
    plain = simplified(folded)
    if len(plain) != len(text):
        plain = "".join(simplified(character)[:1] or character for character in folded)
    characters = list(plain.translate(_PLAIN))
    for match in _SPACED.finditer("".join(characters)):
        for place in range(*match.span()):
            characters[place] = _respelled(characters[place])
    places = [place for place, character in enumerate(characters) for _ in character]
    return _Plain("".join(characters), places, characters)


def _respelled(character: str) -> str:
    """A character of a match of `_SPACED`."""
    if character.isspace() or character in ",，":
        return ""
    if character.isascii():
        return character
    return ":" if character == "：" else unicodedata.normalize("NFKC", character).translate(_RAISED)


def _rewritten(text: str, plain: _Plain, start: int, end: int) -> list[Reading]:
    """Readings for the characters of text[start:end] that are not plain, and which no rule has claimed."""
    readings: list[Reading] = []
    for place in range(start, end):
        spoken = plain.characters[place]
        if spoken == text[place]:
            continue
        if readings and readings[-1].end == place:
            readings[-1] = Reading(readings[-1].start, place + 1, readings[-1].spoken + spoken)
        else:
            readings.append(Reading(place, place + 1, spoken))
    return readings
