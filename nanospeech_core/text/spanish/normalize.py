"""Written Spanish to spoken Spanish: numbers, times, dates and abbreviations become words.

`TABLES` are tables of readings; the rules of an earlier table, and the earlier ones in a table, claim their
part of the sentence first.
"""

from __future__ import annotations

import functools

from ..readings.folding import fold, unfold
from ..readings.rules import Reading, Rule, apply_readings, find_readings, make_rule
from ..traced import TracedText
from . import abbreviations, amounts, dates, fractions, letters, marks, numbers, ordinals

TABLES = (
    letters.ADDRESSES,
    dates.ROWS,
    ordinals.DEGREES,
    fractions.ROWS,
    amounts.ROWS,
    abbreviations.ROWS,
    ordinals.ROWS,
    letters.ROWS,
    marks.ROWS,
    numbers.ROWS,
)


def normalize(text: str) -> str:
    """Spell out what espeak-ng would misread. Text that needs nothing stays as it is.

    Args:
        text: one sentence (`split_sentences`).
    Raises:
        UserError: unicode-rbnf is not installed.
    """
    return apply_readings(TracedText.of(text), find(text)).text


def find(text: str) -> list[Reading]:
    """Which parts of a sentence are read otherwise than they are written, in order; see `normalize`."""
    clusters = fold(text)
    folded = "".join(cluster.plain for cluster in clusters)
    return unfold(find_readings(folded, _rules()), text, clusters)


@functools.cache
def _rules() -> tuple[Rule, ...]:
    return tuple(make_rule(*row) for table in TABLES for row in table)
