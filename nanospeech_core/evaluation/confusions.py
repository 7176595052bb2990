"""Which sounds a recognizer confuses: Mandarin by initial, final and tone, other languages by phone.

An error rate counts words. Here text and transcript become pronunciations, which are aligned. Homophones then
count as right, and a wrong syllable shows which of its parts is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..text.chinese.normalize import simplified
from ..text.chinese.pinyin import read_syllables
from ..text.languages import find_code, is_alphabetic, normalize, phonemize
from ..text.traced import TracedText

MANDARIN, PHONES = ("initial", "final", "tone"), ("phone",)  # the parts of a unit of speech
MISSING = "-"  # what is recognized for a unit that is left out; also the initial of a syllable without one
_PHONE = re.compile(r"(?:tʃ|dʒ|\w)[ːʰʲ\N{COMBINING TILDE}]*")
_STRESS = str.maketrans("", "", "ˈˌ")

Unit = tuple[str, ...]  # a Mandarin syllable (initial, final, tone), or a phone alone


@dataclass
class Confusions:
    """Counts of one part of the units ("initial")."""

    expected: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # (expected, recognized), where they differ
    inserted: Counter[str] = field(default_factory=Counter)

    def wrong(self, value: str) -> int:
        """How often a value was not recognized."""
        return sum(count for (expected, _), count in self.pairs.items() if expected == value)

    @property
    def rate(self) -> float:
        """The share of the expected values that were not recognized, in percent. Insertions do not count."""
        return 100 * self.pairs.total() / max(1, self.expected.total())


def units_of(text: str, language: str) -> list[Unit]:
    """The pronunciation of a text. Numbers are read first: recognizers write some words as digits.

    Raises:
        UserError: a library of that language cannot be loaded.
    """
    code = find_code(language) or language
    alphabetic = is_alphabetic(language)
    spoken = normalize(TracedText.of(text if alphabetic else simplified(text)), code)
    if not alphabetic:
        syllables = read_syllables(spoken.text)
        return [(initial or MISSING, final, tone) for initial, final, tone in syllables]
    phonemes = phonemize(spoken, code).text.translate(_STRESS)
    return [(phone,) for phone in _PHONE.findall(phonemes)]


def align_units(
    expected: Sequence[Unit], recognized: Sequence[Unit]
) -> list[tuple[Unit | None, Unit | None]]:
    """The best alignment of two pronunciations: pairs; None: nothing corresponds to the other.

    A substitution costs the share of the parts that differ, at least half; an insertion or deletion costs 1.
    The least edit distance (Levenshtein) decides.
    """
    rows, columns = len(expected), len(recognized)
    costs = np.zeros((rows + 1, columns + 1))
    costs[:, 0], costs[0] = np.arange(rows + 1), np.arange(columns + 1)

    def substitution(i: int, j: int) -> float:
        parts = zip(expected[i], recognized[j], strict=True)
        differing = sum(a != b for a, b in parts) / len(expected[i])
        return max(differing, 0.5) if differing else 0.0

    for i in range(rows):
        for j in range(columns):
            costs[i + 1, j + 1] = min(
                costs[i, j] + substitution(i, j), costs[i, j + 1] + 1, costs[i + 1, j] + 1
            )
    pairs: list[tuple[Unit | None, Unit | None]] = []
    i, j = rows, columns
    while i or j:
        if i and j and np.isclose(costs[i, j], costs[i - 1, j - 1] + substitution(i - 1, j - 1)):
            i, j = i - 1, j - 1
            pairs.append((expected[i], recognized[j]))
        elif i and np.isclose(costs[i, j], costs[i - 1, j] + 1):
            i -= 1
            pairs.append((expected[i], None))
        else:
            j -= 1
            pairs.append((None, recognized[j]))
    return pairs[::-1]


def count_confusions(
    texts: Sequence[str], transcripts: Sequence[str], language: str
) -> dict[str, Confusions]:
    """The confusions of each part of the units, over all texts and what was recognized for them."""
    names = MANDARIN if language.startswith("zh") else PHONES
    found = {name: Confusions() for name in names}
    for text, transcript in zip(texts, transcripts, strict=True):
        for expected, recognized in align_units(units_of(text, language), units_of(transcript, language)):
            for number, confusions in enumerate(found.values()):
                if expected is None:
                    assert recognized is not None
                    confusions.inserted[recognized[number]] += 1
                    continue
                confusions.expected[expected[number]] += 1
                # a syllable that is left out is not the confusion of an initial with none
                other = "left out" if recognized is None else recognized[number]
                if other != expected[number]:
                    confusions.pairs[expected[number], other] += 1
    return found


def confusion_rows(baseline: Confusions, other: Confusions, most: int = 10) -> list[list[str]]:
    """The values that `other` has wrong more often than `baseline`, the largest difference first.

    Returns:
        for each: the value, how often it was expected, how often it was wrong in both, and what was
        recognized instead in `other`, with counts.
    """
    extra = {value: other.wrong(value) - baseline.wrong(value) for value in other.expected}
    rows = []
    for value in sorted(extra, key=lambda value: -extra[value])[:most]:
        if extra[value] <= 0:
            break
        pairs = Counter({b: count for (a, b), count in other.pairs.items() if a == value})
        instead = ", ".join(f"{name} {count}" for name, count in pairs.most_common(4))
        counts = (other.expected[value], baseline.wrong(value), other.wrong(value))
        rows.append([value, *map(str, counts), instead])
    return rows
