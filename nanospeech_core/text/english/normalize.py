"""Written English to spoken English: numbers, times, dates and abbreviations become words.

`RULES` are tables of readings; the rules of an earlier table, and the earlier ones in a table, claim their
part of the sentence first. `espeak` cuts a sentence at every punctuation mark before espeak-ng reads it, so
"3.5", "10:30", "Mr." and "U.S." must become words here.
"""

from __future__ import annotations

import functools
import re

from ..readings import Reading, Rule, apply_readings, find_readings
from ..traced import TracedText
from .folding import fold, unfold
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
    clusters = fold(text)
    folded = "".join(cluster.plain for cluster in clusters)
    return unfold(find_readings(folded, _rules(accent)), text, clusters)


def respell(text: TracedText) -> TracedText:
    """A sentence as it is read aloud, with the homographs respelled that espeak-ng would misread."""
    return apply_readings(text, find_readings(text.text, _homographs()))


@functools.cache
def _homographs() -> tuple[Rule, ...]:
    return tuple(_rule("", *row) for row in homographs.ROWS)


@functools.cache
def _rules(accent: str) -> tuple[Rule, ...]:
    return tuple(_rule(accent, *row) for table in TABLES for row in table)


def _rule(accent: str, name: str, pattern: str, reading: numbers.Reader) -> Rule:
    if isinstance(reading, str):
        text = reading
        return Rule(name, re.compile(pattern), lambda match: text)
    return Rule(name, re.compile(pattern), functools.partial(reading, accent))
