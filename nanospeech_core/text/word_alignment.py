"""Find the symbols of a sentence that speak each of its written words.

espeak-ng reads a sentence as a whole: it joins words ("of the" is one) and stresses them by their context. So
each word is also read by itself, and its symbols are aligned to the sentence's. Written and spoken words are
aligned likewise ("$5" is "five dollars"): the words between two that both have belong together. In Chinese
text a character is a word.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from .characters import HAN, fold
from .symbols import SILENT, STRESS

_OPENING = r"\"'“‘(\[{（「『《【"
_WORD = re.compile(
    rf"[{_OPENING}]*(?:[{HAN}]|(?:(?![{HAN}])[^\s—–…])+)(?:(?![{_OPENING}])[^\w\s]|[\"'](?=\s|$))*"
)
_BAND = 40  # symbols: how far the alignment may be from the diagonal


@dataclass(frozen=True)
class WordSpan:
    """The written word text[start:end] is spoken by symbols [first, last) of the sentence."""

    start: int
    end: int
    first: int
    last: int


def align_words(
    written: str,
    spoken: str,
    symbols: str,
    phonemize: Callable[[str], str],
    display: Callable[[str], str] = str,
) -> tuple[str, list[WordSpan]]:
    """Find the symbols that speak each word of a sentence; words that are read as one count as one.

    Args:
        written: the sentence as it is written.
        spoken: as it is read aloud (`Tokenizer.spoken`).
        symbols: its symbols.
        phonemize: a word by itself -> its symbols, "" if it has none.
        display: a written word -> the text to display for it.
    Returns:
        the text to display, and the spans of its words, in order.
    """
    spoken_words = [(word, alone) for word in _WORD.findall(spoken) if (alone := phonemize(word))]
    symbol_spans = locate_words([alone for _, alone in spoken_words], symbols)
    text, text_spans = _display_text(written, display)
    written_keys = [_key(match[0]) for match in _WORD.finditer(written)]
    spoken_keys = [_key(word) for word, _ in spoken_words]
    matcher = difflib.SequenceMatcher(None, written_keys, spoken_keys, autojunk=False)
    spans: list[WordSpan] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if j1 == j2:
            continue  # written, but not spoken
        if i1 == i2:  # spoken, but not written: with the word before
            if spans:
                last = spans.pop()
                spans.append(WordSpan(last.start, last.end, last.first, symbol_spans[j2 - 1][1]))
            continue
        one_by_one = tag == "equal" or i2 - i1 == j2 - j1
        pairs = [(k, k + 1, j1 + k - i1, j1 + k - i1 + 1) for k in range(i1, i2)]
        for a, b, c, d in pairs if one_by_one else [(i1, i2, j1, j2)]:
            first, last_symbol = symbol_spans[c][0], symbol_spans[d - 1][1]
            start, end = text_spans[a][0], text_spans[b - 1][1]
            if last_symbol > first:
                spans.append(WordSpan(start, end, first, last_symbol))
            elif spans:  # 儿 may have no sound of its own
                spans[-1] = WordSpan(spans[-1].start, end, spans[-1].first, spans[-1].last)
    return text, spans


def locate_words(words: list[str], symbols: str) -> list[tuple[int, int]]:
    """Where in a sentence's symbols its words are, [first, last) each, without marks and spaces around them.

    Args:
        words: the symbols of each word, read by itself.
        symbols: of the sentence.
    """
    runs = [match.span() for match in re.finditer(r"[^ ]+", symbols)]
    runs = [span for start, end in runs if (span := _sounds(symbols, start, end))[0] < span[1]]
    if len(runs) == len(words):
        return runs
    cuts = _cuts(words, symbols)
    return [_sounds(symbols, start, end) for start, end in zip(cuts, cuts[1:], strict=False)]


def _sounds(symbols: str, start: int, end: int) -> tuple[int, int]:
    while start < end and symbols[start] in SILENT:
        start += 1
    while end > start and symbols[end - 1] in SILENT:
        end -= 1
    return start, end


def _cuts(words: list[str], symbols: str) -> list[int]:
    """Where each word begins, and the end, by the cheapest edits from the words to the symbols."""
    joined = " ".join(words)
    n, m = len(joined), len(symbols)
    slope, band = m / max(n, 1), _BAND + m // 10
    infinite = float("inf")
    rows: list[tuple[int, list[int]]] = []  # of each row: its first column, the moves into its cells
    previous = {0: 0.0}
    for j in range(1, min(m, band) + 1):
        previous[j] = previous[j - 1] + _gap_cost(symbols[j - 1])
    for i in range(1, n + 1):
        low, high = max(0, round(i * slope) - band), min(m, round(i * slope) + band)
        row: dict[int, float] = {}
        moves = []
        for j in range(low, high + 1):
            costs = (
                previous.get(j - 1, infinite) + _change_cost(joined[i - 1], symbols[j - 1])
                if j
                else infinite,
                previous.get(j, infinite) + _gap_cost(joined[i - 1]),
                row.get(j - 1, infinite) + _gap_cost(symbols[j - 1]) if j else infinite,
            )
            row[j] = min(costs)
            moves.append(costs.index(row[j]))
        rows.append((low, moves))
        previous = row
    at, j = [0] * (n + 1), m  # how many symbols the first i of `joined` became
    for i in range(n, 0, -1):
        low, moves = rows[i - 1]
        while moves[j - low] == 2:
            j -= 1
        at[i] = j
        j -= moves[j - low] == 0
        at[i - 1] = j
    cuts: list[int] = []
    begin = 0
    for word in words:
        cut = at[begin] if begin else 0
        while cut and symbols[cut - 1] in STRESS:
            cut -= 1
        cuts.append(max(cut, cuts[-1] if cuts else 0))
        begin += len(word) + 1
    return [*cuts, m]


def _gap_cost(symbol: str) -> float:
    """The cost of a symbol that only one of the two has."""
    return 0.1 if symbol in SILENT else 0.2 if symbol in STRESS else 1.0


def _change_cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 1.2 if one not in SILENT and other not in SILENT else 3.0


def _key(word: str) -> str:
    letters = "".join(c for c in fold(word).casefold() if c.isalnum())
    return letters or word


def _display_text(written: str, display: Callable[[str], str]) -> tuple[str, list[tuple[int, int]]]:
    """The text to display, and where in it each written word is."""
    text, spans, end = "", [], 0
    for match in _WORD.finditer(written):
        text += written[end : match.start()]
        start, end = len(text), match.end()
        text += display(match[0])
        spans.append((start, len(text)))
    return text + written[end:], spans
