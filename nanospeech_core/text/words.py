"""The written words of a sentence, and the symbols that speak each of them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from .characters import HAN
from .symbols import SILENT
from .traced import Span, TracedText

_OPENING = r"\"'“‘(\[{（「『《【"
# A word with the marks around it. A Chinese character is a word.
WORD = re.compile(
    rf"[{_OPENING}]*(?:[{HAN}]|(?:(?![{HAN}])[^\s—–…])+)(?:(?![{_OPENING}])[^\w\s]|[\"'](?=\s|$))*"
)


class Word(NamedTuple):
    """The written word text[start:end] is spoken by symbols [first, last), without the marks around it."""

    start: int
    end: int
    first: int
    last: int
    place: Span  # in the source


def find_words(written: TracedText, symbols: TracedText) -> list[Word]:
    """The words of a sentence that are spoken, in order; written words that are read together are one.

    Args:
        written: the sentence as it is written.
        symbols: its symbols, traced to the same source.
    """
    spans = [match.span() for match in WORD.finditer(written.text)] or [(0, len(written))]
    begins = [written.spans[start][0] for start, _ in spans]
    words: list[Word] = []
    last_span = -1  # of the last word
    for index, (symbol, (begin, end)) in enumerate(zip(symbols.text, symbols.spans, strict=True)):
        if symbol in SILENT:
            continue
        first = max(0, bisect_right(begins, begin) - 1)
        last = max(first, bisect_left(begins, end) - 1)
        if words and first <= last_span:
            last = max(last, last_span)
            word = words.pop()
            start, sound = word.start, word.first
        else:
            start, sound = spans[first][0], index
        place = written[start : spans[last][1]].span
        words.append(Word(start, spans[last][1], sound, index + 1, place))
        last_span = last
    return words
