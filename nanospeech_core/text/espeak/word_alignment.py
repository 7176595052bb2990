"""Find the phonemes of each word in those of a phrase: espeak-ng joins words ("of the" is one).

So where words and phonemes are not as many, each word is also read by itself, and its phonemes are matched
with the phrase's.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

from ..symbols import STRESS

MAX_CELLS = 160_000  # of the alignment of a phrase; longer ones, such as a key in hex, are divided evenly
_WITHOUT_STRESS = {ord(mark): None for mark in STRESS}  # stress depends on the words around


def locate_words(words: Sequence[str], phonemes: str, read: Callable[[str], str]) -> list[tuple[int, int]]:
    """Where in the phonemes of a phrase its words are, [first, last) each; empty for a word without sound.

    Args:
        words: of the phrase.
        phonemes: of the phrase, with single spaces.
        read: a word by itself -> its phonemes.
    """
    spoken = phonemes.split(" ")
    ends = [0]
    for word in spoken:
        ends.append(ends[-1] + len(word) + 1)
    if len(spoken) == len(words):
        return [(begin, end - 1) for begin, end in itertools.pairwise(ends)]
    alone = [read(word) for word in words]
    one, other = ([word.translate(_WITHOUT_STRESS) for word in side] for side in (alone, spoken))
    first = _common(one, other)
    last = _common(one[first:][::-1], other[first:][::-1])  # that many at the end
    begin, end = ends[first], max(ends[first], ends[len(spoken) - last] - 1)
    middle = _divide(alone[first : len(alone) - last], phonemes[begin:end])
    places = list(itertools.pairwise(ends))
    places = [
        *places[:first],
        *[(begin + a, begin + b + 1) for a, b in middle],
        *places[len(places) - last :],
    ]
    return [(start, end - 1) for start, end in places]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two lists have in common at their begin."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _divide(words: Sequence[str], phonemes: str) -> list[tuple[int, int]]:
    """Phonemes divided among words whose phonemes by themselves are known."""
    joined = " ".join(words)
    if len(joined) * len(phonemes) <= MAX_CELLS:
        moved = _align(joined, phonemes)
    else:
        moved = [place * len(phonemes) // len(joined) for place in range(len(joined) + 1)]
    cuts: list[int] = []
    begin = 0
    for word in words:
        cut = moved[begin] if begin else 0
        while cut and phonemes[cut - 1] in STRESS:
            cut -= 1
        cuts.append(max(cut, cuts[-1]) if cuts else 0)
        begin += len(word) + 1
    places = zip(cuts, [*cuts, len(phonemes)][1:], strict=True)
    return [(start, start + len(phonemes[start:end].rstrip(" "))) for start, end in places]


def _align(one: str, other: str) -> list[int]:
    """By the cheapest edits from one text to the other: where in the other each character of the first is.

    That is Needleman and Wunsch's algorithm (1970).
    """
    gaps = [*map(_gap_cost, other)]
    changes = {symbol: [_change_cost(symbol, opposite) for opposite in other] for symbol in set(one)}
    costs = [list(itertools.accumulate(gaps, initial=0.0))]
    for symbol in one:  # the inner loop runs ten thousand times for a sentence
        above, gap = costs[-1], _gap_cost(symbol)
        diagonal, cost = above[0], above[0] + gap
        row = [cost]
        for up, change, own_gap in zip(above[1:], changes[symbol], gaps, strict=True):
            cost += own_gap
            if up + gap < cost:
                cost = up + gap
            if diagonal + change < cost:
                cost = diagonal + change
            diagonal = up
            row.append(cost)
        costs.append(row)
    moved, j = [len(other)] * (len(one) + 1), len(other)
    for i in range(len(one), 0, -1):
        while j and costs[i][j] == costs[i][j - 1] + _gap_cost(other[j - 1]):
            j -= 1
        if j and costs[i][j] == costs[i - 1][j - 1] + _change_cost(one[i - 1], other[j - 1]):
            j -= 1
        moved[i - 1] = j
    return moved


def _gap_cost(symbol: str) -> float:
    """The cost of a symbol that only one of the two has."""
    return 0.1 if symbol == " " else 0.2 if symbol in STRESS else 1.0


@functools.lru_cache(4096)
def _change_cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if other == "ɾ" and one in "td":  # "not a"
        return 0.5
    return 3.0 if " " in (one, other) else 1.2
