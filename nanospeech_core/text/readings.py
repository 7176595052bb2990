"""Readings: which parts of a written sentence are read otherwise than they are written, and how.

A language's normalizer is a table of rules. Each rule claims parts of the text, the earlier rules first. What
no rule claims is read as it is written. So every spoken word knows the characters that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


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


def find_readings(text: str, rules: Iterable[Rule]) -> list[Reading]:
    """The readings of a text in order; no two of them overlap.

    Args:
        text: a sentence as it is written.
        rules: the first one that matches a part of the text, and reads it, claims it.
    """
    claimed: list[Reading] = []
    for rule in rules:
        position = 0
        while position < len(text) and (match := rule.pattern.search(text, position)):
            start, end = match.span()
            overlap = next((r for r in claimed if r.start < end and start < r.end), None)
            if overlap is not None:
                position = max(overlap.end, start + 1)
                continue
            spoken = rule.read(match) if end > start else None
            if spoken is not None:
                claimed.append(Reading(start, end, spoken))
            position = max(end, start + 1)
    return sorted(claimed, key=lambda reading: reading.start)


def apply_readings(text: str, readings: Sequence[Reading]) -> str:
    """The text as it is spoken, white space collapsed to single spaces."""
    spoken, position = "", 0
    for reading in readings:
        spoken += text[position : reading.start] + reading.spoken
        position = reading.end
    return " ".join((spoken + text[position:]).split())
