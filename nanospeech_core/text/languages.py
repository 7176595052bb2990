"""The languages that can be spoken: one row of `TABLE` each. A new language is a folder and a row.

A language's rules and libraries (espeak-ng, pypinyin, ...) are loaded on first use.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UserError
from . import espeak
from .chinese import pinyin
from .language_detection import join_parts, split_spoken
from .symbols import SYMBOLS


@dataclass(frozen=True)
class Language:
    """How one language, or one accent of it, is read.

    A language is written either in Chinese characters or in an alphabet, see `language_detection`.
    """

    normalize: Callable[[str], str]  # a written sentence -> as it is read aloud, without digits
    phonemize: Callable[[str], str]  # a sentence as it is read aloud -> phonemes
    sample: str  # a word, to test whether the phonemizer works
    alphabetic: bool = True  # character models read it normalized; Chinese, as it is written


def _english(accent: str) -> Language:
    def normalize(text: str) -> str:
        from .english.normalize import normalize

        return normalize(text, accent)

    return Language(normalize, lambda text: espeak.phonemize(text, accent), sample="Hello")


def _chinese() -> Language:
    def normalize(text: str) -> str:
        from .chinese.normalize import normalize

        return normalize(text)

    return Language(normalize, lambda text: pinyin.phonemize(text), sample="你好", alphabetic=False)


TABLE = {"en-us": _english("en-us"), "en-gb": _english("en-gb"), "zh": _chinese()}
LANGUAGES = tuple(TABLE)


def base_language(code: str) -> str:
    """The language without its accent: "en" of "en-gb"."""
    return code.partition("-")[0]


def normalize(text: str, language: str = "en-us") -> str:
    """A written sentence as it is read aloud; the text itself where the language is unknown.

    Raises:
        UserError: a library of that language cannot be loaded.
    """
    return TABLE[language].normalize(text) if language in TABLE else text


def phonemize(text: str, language: str = "en-us") -> str:
    """Phonemes of one sentence, one character each, with punctuation and stress; only SYMBOLS are kept.

    Chinese characters are read as Chinese and letters as `language`, or as American English where
    `language` is "zh". The text is not normalized here: call `normalize` first.

    Raises:
        UserError: an unknown language, or its phonemizer cannot be loaded.
    """
    if language not in TABLE:
        raise UserError(f'there is no language "{language}"; the languages are {", ".join(LANGUAGES)}')
    parts = [TABLE[code].phonemize(part) for code, part in split_spoken(text, language)]
    return re.sub(" +", " ", "".join(symbol for symbol in join_parts(parts) if symbol in _symbol_set()))


@functools.cache
def _symbol_set() -> frozenset[str]:
    return frozenset(SYMBOLS)
