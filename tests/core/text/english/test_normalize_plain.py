"""Sentences of letters and the usual marks: which rules are tried."""

from __future__ import annotations

import string
from collections.abc import Set

import pytest

from nanospeech_core.text.english.normalize import _PLAIN, PLAIN_RULES, TABLES, find

try:
    from re import _parser as parser
except ImportError:  # Python 3.10
    import sre_parse as parser

CHARACTERS = frozenset(character for character in map(chr, range(0x10000)) if _PLAIN.fullmatch(character))


def may_match(parts, characters: Set[str]) -> bool:
    """Whether a part of a pattern may match text of these characters; in doubt True."""
    return all(_may_match(str(kind), value, characters) for kind, value in parts)


def _may_match(kind: str, value, characters: Set[str]) -> bool:
    if kind == "LITERAL":
        return chr(value) in characters
    if kind == "IN":
        inverted = str(value[0][0]) == "NEGATE"
        return inverted or any(_has(str(kind), item, characters) for kind, item in value)
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return value[0] == 0 or may_match(value[2], characters)
    if kind == "SUBPATTERN":
        return may_match(value[3], characters)
    if kind == "BRANCH":
        return any(may_match(choice, characters) for choice in value[1])
    if kind == "ASSERT":  # lookahead and lookbehind read the same text
        return may_match(value[1], characters)
    return True


def _has(kind: str, value, characters: Set[str]) -> bool:
    """Whether a set of a pattern has one of the characters."""
    if kind == "LITERAL":
        return chr(value) in characters
    if kind == "RANGE":
        return any(value[0] <= ord(character) <= value[1] for character in characters)
    if str(value) == "CATEGORY_DIGIT":
        return any(map(str.isdecimal, characters))
    return True


def test_which_characters_are_plain():
    assert set(string.ascii_letters + " \n.,;:!?'\"()-–—…") <= CHARACTERS
    assert not CHARACTERS & set(string.digits + "$%&*+/<=>@#^_`~[]{}|\\°é’")


def test_the_rules_for_plain_text_are_those_that_may_match_it():
    """A new rule that needs no digit and no sign must be in PLAIN_RULES, or it would not be tried."""
    rows = [(name, parser.parse(pattern)) for table in TABLES for name, pattern, _ in table]
    assert not any(parsed.state.flags & 2 for _, parsed in rows)  # IGNORECASE
    assert {name for name, parsed in rows if may_match(parsed, CHARACTERS)} == PLAIN_RULES


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\d+", False), (r"a\d?", True), (r"(?:a|\d)b", True), (r"(?:%|\d)b", False), (r"(?<=\d)x", False),
        (r"(?<!\d)x", True), (r"[^a]", True), (r"[0-9%]", False), (r"(?P<x>[a%])", True), (r"\w", True),
        (r"(?:\d\.){2}", False),
    ],
)  # fmt: skip
def test_what_a_pattern_may_match(pattern, expected):
    assert may_match(parser.parse(pattern), CHARACTERS) is expected


def test_a_sign_or_a_digit_brings_the_other_rules():
    assert find("They left at noon.") == []
    assert [reading.spoken for reading in find("Dr. Smith left.")] == ["Doctor"]
    assert [reading.spoken for reading in find("They left at 5 km.")] == ["five kilometers"]
    assert [reading.spoken.strip() for reading in find("So b = c.")] == ["equals"]
