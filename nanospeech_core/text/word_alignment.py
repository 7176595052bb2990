"""Which symbols of a sentence speak which of its written words.

espeak-ng reads a sentence as a whole, runs words together ("of the" is one) and stresses them by what is
around them; so each word is also read by itself, and what that gives is aligned to the sentence. Of what is
written and what is read aloud ("$5" is "five dollars"), the words between two that both have belong together.
In Chinese text a character is a word.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from .language_detection import HAN, fold

SILENT = frozenset(';:,.!?—…"()“” ')  # the symbols that are no sounds
STRESS = frozenset("ˈˌ")
_OPENING = r"\"'“‘(\[{（「『《【"
_WORD = re.compile(
    rf"[{_OPENING}]*(?:[{HAN}]|(?:(?![{HAN}])[^\s—–…])+)(?:(?![{_OPENING}])[^\w\s]|[\"'](?=\s|$))*"
)
_BAND = 40  # symbols that the alignment may be off the diagonal


@dataclass(frozen=True)
class WordSpan:
    """The written word text[start:end] is spoken by symbols [first, last) of the sentence."""

    start: int
    end: int
    first: int
    last: int


def find_words(
    written: str, spoken: str, symbols: str, read: Callable[[str], str], shown: Callable[[str], str] = str
) -> tuple[str, list[WordSpan]]:
    """The words of a sentence, in order; some may have been read as one.

    Args:
        written: the sentence as it is written.
        spoken: as it is read aloud (`Tokenizer.spoken`).
        symbols: as it is spoken.
        read: a word by itself -> its symbols, "" where it has none.
        shown: a written word -> the text to show.
    Returns:
        the text to show, and its words.
    """
    heard = [(word, alone) for word in _WORD.findall(spoken) if (alone := read(word))]
    places = locate([alone for _, alone in heard], symbols)
    text, shown_at = _show(written, shown)
    matches = list(_WORD.finditer(written))
    keys = [_key(match[0]) for match in matches], [_key(word) for word, _ in heard]
    spans: list[WordSpan] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if j1 == j2:
            continue  # written, but not spoken
        if i1 == i2:  # spoken, but not written: with the word before
            if spans:
                last = spans.pop()
                spans.append(WordSpan(last.start, last.end, last.first, places[j2 - 1][1]))
            continue
        one_by_one = tag == "equal" or i2 - i1 == j2 - j1
        groups = [(k, k + 1, j1 + k - i1, j1 + k - i1 + 1) for k in range(i1, i2)]
        for a, b, c, d in groups if one_by_one else [(i1, i2, j1, j2)]:
            first, last = places[c][0], places[d - 1][1]
            start, end = shown_at[a][0], shown_at[b - 1][1]
            if last > first:
                spans.append(WordSpan(start, end, first, last))
            elif spans:  # 儿 has no sound of its own
                spans[-1] = WordSpan(spans[-1].start, end, spans[-1].first, spans[-1].last)
    return text, spans


def locate(words: list[str], symbols: str) -> list[tuple[int, int]]:
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
    """Where each word begins, and the end: the cheapest edits that make of all words the symbols."""
    joined = " ".join(words)
    n, m = len(joined), len(symbols)
    slope, band = m / max(n, 1), _BAND + m // 10
    infinite = float("inf")
    rows: list[tuple[int, list[int]]] = []  # of each: its first column and the moves into its cells
    previous = {0: 0.0}
    for j in range(1, min(m, band) + 1):
        previous[j] = previous[j - 1] + _extra(symbols[j - 1])
    for i in range(1, n + 1):
        low, high = max(0, round(i * slope) - band), min(m, round(i * slope) + band)
        row: dict[int, float] = {}
        moves = []
        for j in range(low, high + 1):
            costs = (
                previous.get(j - 1, infinite) + _change(joined[i - 1], symbols[j - 1]) if j else infinite,
                previous.get(j, infinite) + _extra(joined[i - 1]),
                row.get(j - 1, infinite) + _extra(symbols[j - 1]) if j else infinite,
            )
            row[j] = min(costs)
            moves.append(costs.index(row[j]))
        rows.append((low, moves))
        previous = row
    at, j = [0] * (n + 1), m  # the symbols that the first i of `joined` became
    for i in range(n, 0, -1):
        low, moves = rows[i - 1]
        while moves[j - low] == 2:
            j -= 1
        at[i] = j
        j -= moves[j - low] == 0
        at[i - 1] = j
    cuts, begin = [], 0
    for word in words:
        cut = at[begin] if begin else 0
        while cut and symbols[cut - 1] in STRESS:
            cut -= 1
        cuts.append(max(cut, cuts[-1] if cuts else 0))
        begin += len(word) + 1
    return [*cuts, m]


def _extra(symbol: str) -> float:
    """What it costs that only one of the two has the symbol."""
    return 0.1 if symbol in SILENT else 0.2 if symbol in STRESS else 1.0


def _change(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 1.2 if one not in SILENT and other not in SILENT else 3.0


def _key(word: str) -> str:
    letters = "".join(c for c in fold(word).casefold() if c.isalnum())
    return letters or word


def _show(written: str, shown: Callable[[str], str]) -> tuple[str, list[tuple[int, int]]]:
    """The text to show, and where in it each written word is."""
    text, places, end = "", [], 0
    for match in _WORD.finditer(written):
        text += written[end : match.start()]
        start, end = len(text), match.end()
        text += shown(match[0])
        places.append((start, len(text)))
    return text + written[end:], places
