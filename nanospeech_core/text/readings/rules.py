"""Readings: which parts of a written sentence are read otherwise than they are written, and how.

A language's normalizer is a table of rules. Each rule claims parts of the text, the earlier rules first. What
no rule claims is read as it is written. So every spoken word knows the characters that it stands for.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ...errors import UserError
from ..document import WORD
from ..traced import TracedText, concatenate


@dataclass(frozen=True)
class Reading:
    """The characters text[start:end] are read as `spoken`; "" where they are not read."""

    start: int
    end: int
    spoken: str


@dataclass(frozen=True)
class Rule:
    """A row of a table of rules.

    Attributes:
        name: what it reads, for tests and messages ("ISO date").
        pattern: of the text that it may claim. Lookbehind and lookahead see the text around it.
        read: a match -> how it is read; None: this rule does not claim it, a later one may.
    """

    name: str
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], str | None]


def make_rule(
    name: str, pattern: str, read: str | Callable[[re.Match[str]], str | None], flags: int = 0
) -> Rule:
    """A rule; `read` is how it is read, or a function of its match. flags: of the pattern."""
    return Rule(name, re.compile(pattern, flags), (lambda match: read) if isinstance(read, str) else read)


def alternatives(words: Iterable[str]) -> str:
    """A pattern of any of the words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@functools.cache
def speller(language: str) -> Any:  # the library has no types
    """Unicode's rules of numbers in words (CLDR). Raises UserError if unicode-rbnf is not installed."""
    try:
        from unicode_rbnf import RbnfEngine
    except ImportError as error:
        raise UserError("numbers need unicode-rbnf: pip install unicode-rbnf") from error
    return RbnfEngine.for_language(language)


def find_readings(text: str, rules: Iterable[Rule]) -> list[Reading]:
    """The readings of a text in order; no two of them overlap.

    Args:
        text: a sentence as it is written.
        rules: the first one that matches a part of the text, and reads it, claims it.
    """
    claimed: list[Reading] = []
    taken = bytearray(len(text))  # 1 where a character is claimed
    for rule in rules:
        position = 0
        while position < len(text) and (match := rule.pattern.search(text, position)):
            start, end = match.span()
            overlap = taken.find(1, start, end)
            if overlap >= 0:
                position = taken.find(0, overlap)
                if position < 0:
                    break
                continue
            spoken = rule.read(match) if end > start else None
            if spoken is not None:
                claimed.append(Reading(start, end, spoken))
                taken[start:end] = b"\1" * (end - start)
            position = max(end, start + 1)
    return sorted(claimed, key=lambda reading: reading.start)


def apply_readings(text: TracedText, readings: Iterable[Reading]) -> TracedText:
    """The text as it is spoken, white space collapsed to single spaces."""
    parts, position = [], 0
    for reading in readings:
        parts += [text[position : reading.start], _trace(text[reading.start : reading.end], reading.spoken)]
        position = reading.end
    return concatenate([*parts, text[position:]]).single_spaced()


def _trace(written: TracedText, spoken: str) -> TracedText:
    """What is spoken for some characters; if these are several words, each word for its own.

    Words that both have ("May 5", "May fifth") belong together, and those between them one by one if they are
    as many.
    """
    written_words, spoken_words = (list(WORD.finditer(text)) for text in (written.text, spoken))
    if len(written_words) < 2 or len(spoken_words) < 2:
        return TracedText.read_as(spoken, written.span)
    keys = [[word[0].strip(",.").casefold() for word in words] for words in (written_words, spoken_words)]
    first = [(0, 0)]  # the first written and the first spoken word of each part
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if tag == "equal" or i2 - i1 == j2 - j1:
            first += zip(range(i1, i2), range(j1, j2), strict=True)
        elif tag == "replace":
            first.append((i1, j1))
    parts = []
    for (i, j), (after_i, after_j) in itertools.pairwise([*sorted(set(first)), (None, None)]):
        begin = spoken_words[j].start() if j else 0
        end = None if after_j is None else spoken_words[after_j].start()
        begin_written = written_words[i].start() if i else 0
        end_written = None if after_i is None else written_words[after_i - 1].end()
        parts.append(TracedText.read_as(spoken[begin:end], written[begin_written:end_written].span))
    return concatenate(parts)
