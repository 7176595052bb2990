"""The elements and attributes of SSML 1.1, and the values of those that have an effect."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ...errors import UserError
from ..languages import LANGUAGES, find_code
from ..pronunciation.markup import MAX_PAUSE, MAX_RATE, MIN_RATE

# With an effect, and their attributes; those with a prefix, such as xml:lang, may stand anywhere.
ATTRIBUTES = {
    "speak": ("version", "xmlns", "onlangfailure", "startmark", "endmark"),
    "p": (),
    "s": (),
    "break": ("time", "strength"),
    "phoneme": ("ph", "alphabet", "type"),
    "sub": ("alias",),
    "say-as": ("interpret-as", "format", "detail"),
    "prosody": ("rate", "pitch", "contour", "range", "duration", "volume"),
    "voice": (
        *("name", "languages", "language", "gender", "age", "variant"),
        *("required", "ordering", "onvoicefailure"),
    ),
    "lang": ("onlangfailure",),
}
REQUIRED = {"phoneme": "ph", "sub": "alias", "say-as": "interpret-as", "lang": "xml:lang"}
WITHOUT_TEXT = ("break", "mark", "lexicon", "meta")
ONLY_TEXT = ("phoneme", "sub", "say-as")
# What is in these is spoken as if they were not there.
TRANSPARENT = ("emphasis", "audio", "lookup", "token", "w")
SILENT = ("metadata", "desc")  # what is in these is not spoken
ELEMENTS = (*ATTRIBUTES, *TRANSPARENT, *SILENT, "mark", "lexicon", "meta")
# What has no effect, and would be missed.
NO_EFFECT = ("emphasis", "audio", "mark", "lexicon", "lookup")
NO_EFFECT_ATTRIBUTES = {
    "prosody": ("pitch", "contour", "range", "duration", "volume"),
    "voice": ("gender", "age", "variant"),
}

# Seconds. Without a strength a break is longer than the pause between two sentences, which is 0.6 s.
STRENGTHS = {"none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25}
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.5, "x-fast": 2.0}
_TIME = re.compile(r"\+?(\d+\.?\d*|\.\d+)\s*(ms|s)", re.ASCII)
_RATE = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+\.?\d*|\.\d+)(?P<percent>%?)", re.ASCII)


def read_break(attributes: Mapping[str, str]) -> float:
    """The seconds of a break. Raises UserError."""
    strength, time = attributes.get("strength"), attributes.get("time")
    if strength is not None and strength.strip() not in STRENGTHS:
        raise UserError(f'the strength "{strength:.40}" is not one of {", ".join(STRENGTHS)}')
    if time is None:
        return STRENGTHS[(strength or "medium").strip()]
    match = _TIME.fullmatch(time.strip())
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else math.inf
    if seconds > MAX_PAUSE:
        raise UserError(
            f'the time "{time:.40}" is not 0 to {MAX_PAUSE:g} seconds: write it like 0.5s or 500ms'
        )
    return seconds


def read_rate(value: str, current: float) -> float:
    """The tempo that a rate of <prosody> asks for.

    Args:
        value: a word; or a number or a percentage, of the usual tempo; or, with a sign, the percentage by
            which it is faster or slower than the text around it.
        current: the tempo of the text around it.
    Raises:
        UserError: it is none of these, or the tempo is not 0.25 to 4.
    """
    written = value.strip()
    if written in RATES:
        return RATES[written]
    match = _RATE.fullmatch(written)
    if match is None or (match["sign"] and not match["percent"]):
        raise UserError(
            f'the rate "{value:.40}" is neither a word ({", ".join(RATES)}) nor like 90%, 0.9 or -10%'
        )
    number = float(match["number"]) / (100 if match["percent"] else 1)
    if match["sign"]:
        number = current * (1 + number if match["sign"] == "+" else 1 - number)
    if not MIN_RATE <= number <= MAX_RATE:
        raise UserError(
            f'the rate "{value:.40}" gives a tempo of {number:.3g}; it must be {MIN_RATE:g} to {MAX_RATE:g}'
        )
    return round(number, 4)


def read_language(value: str, usual: str | None) -> str:
    """The code of a language's name. Raises UserError.

    usual: the language around it, whose accent is kept if the value names none.
    """
    code = find_code(value, usual) if usual else find_code(value)
    if code is None:
        raise UserError(f'there is no language "{value:.40}"; the languages are {", ".join(LANGUAGES)}')
    return code
