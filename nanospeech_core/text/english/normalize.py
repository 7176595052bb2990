"""Written English to spoken English: numbers, times, dates and abbreviations become words.

`RULES` are tables of readings; the rules of an earlier table, and the earlier ones in a table, claim their
part of the sentence first. `espeak` cuts a sentence at every punctuation mark before espeak-ng reads it, so
"3.5", "10:30", "Mr." and "U.S." must become words here.
"""

from __future__ import annotations

import functools
import re

from ..readings.folding import fold, unfold
from ..readings.rules import Reading, Rule, apply_readings, find_readings, make_rule
from ..traced import TracedText
from .rules import abbreviations, codes, dates, homographs, letters, marks, money, numbers, times, units

TABLES = (
    marks.MARKUP,
    dates.ROWS,
    times.MILITARY_ROWS,
    codes.ROWS,
    times.ROWS,
    money.ROWS,
    money.MAGNITUDE_ROWS,
    marks.ANGLES,
    units.ROWS,
    money.RATE_ROWS,
    marks.MATHEMATICS,
    marks.DASHES,
    abbreviations.ROWS,
    letters.ROWS,
    numbers.ROWS,
)
# Most sentences have only letters and the usual marks. These are the rules that may match there; the others,
# two thirds, need a digit or a sign, and are neither tried nor compiled. The tests compare this list with
# what the patterns allow.
_PLAIN = re.compile(r"[A-Za-z\s.,;:!?'\"()–—…-]*", re.ASCII)
PLAIN_RULES = frozenset((
    "mark of a heading or item", "rule of marks", "web address", "site", "weekday", "weekday at the end",
    "weekday in a range", "end of a range of weekdays", "weekday before a date or time", "Monday to Friday",
    "hyphen between weekdays", "month", "month in a range", "end of a range of months",
    "hyphen between months", "hyphen between times", "direction", "dash", "dash without spaces",
    "for example", "that is", "edited by", "number of", "French", "the with an apostrophe", "versus",
    "Sister", "right honorable", "Point", "per annum", "world war", "first world war",
    "change over a period", "street after a name", "street without a full stop", "drive after a name",
    "abbreviation before a number", "abbreviation before a letter", "state of America", "abbreviation",
    "common abbreviation", "abbreviation without a full stop", "Ms", "Fr", "Dr", "St", "Roman numeral",
    "heir", "small Roman numeral", "Roman numeral after an abbreviation", "Roman numeral after a name",
    "infusion", "word in capitals", "state after a city", "letters of a message", "initialism", "degree",
    "initials", "initial", "chemical formula", "the letter A",
))  # fmt: skip


def normalize(text: str, accent: str = "en-us") -> str:
    """Spell out what espeak-ng would misread. Text that needs nothing stays as it is.

    Args:
        text: one sentence (`split_sentences`); the mark of a list item or heading is dropped.
        accent: "en-us" or "en-gb".
    Raises:
        UserError: unicode-rbnf is not installed.
    """
    return apply_readings(TracedText.of(text), find(text, accent)).text


def find(text: str, accent: str = "en-us") -> list[Reading]:
    """Which parts of a sentence are read otherwise than they are written, in order; see `normalize`."""
    if text.isascii():
        return find_readings(text, _rules(accent, _PLAIN.fullmatch(text) is not None))
    clusters = fold(text)
    folded = "".join(cluster.plain for cluster in clusters)
    readings = find_readings(folded, _rules(accent, _PLAIN.fullmatch(folded) is not None))
    return unfold(readings, text, clusters)


def respell(text: TracedText) -> TracedText:
    """A sentence as it is read aloud, with the homographs respelled that espeak-ng would misread."""
    return apply_readings(text, find_readings(text.text, _homographs()))


@functools.cache
def _homographs() -> tuple[Rule, ...]:
    return tuple(_rule("", *row) for row in homographs.ROWS)


@functools.cache
def _rules(accent: str, plain: bool = False) -> tuple[Rule, ...]:
    """The rules in order; plain: those that may match plain text. A rule is compiled when it is needed."""
    rows = (row for table in TABLES for row in table)
    return tuple(_rule(accent, *row) for row in rows if not plain or row[0] in PLAIN_RULES)


def _rule(accent: str, name: str, pattern: str, reading: numbers.Reader) -> Rule:
    read = reading if isinstance(reading, str) else functools.partial(reading, accent)
    return make_rule(name, pattern, read)
