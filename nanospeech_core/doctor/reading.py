"""Text to phonemes: one word by espeak-ng, one by the Chinese front end."""

from __future__ import annotations

from ..text.languages import phonemize
from ..text.traced import TracedText
from .finding import NOTE, OK, Finding

ENGLISH = "Hello", "həlˈoʊ"
CHINESE = "你好", "ni↓xau↓"


def check_english() -> Finding:
    """Whether espeak-ng reads a word, as the voices learned it."""
    from ..text.espeak.phonemizer import version

    return _check(*ENGLISH, "en-us", f"espeak-ng {version()}", "espeakng-loader")


def check_chinese() -> Finding:
    """Whether the Chinese front end reads a word, as the voices learned it."""
    return _check(*CHINESE, "zh", "rjieba, pypinyin and opencc", "rjieba pypinyin opencc")


def _check(word: str, expected: str, language: str, reader: str, packages: str) -> Finding:
    start = [(place, place + 1) for place in range(len(word))]
    read = phonemize(TracedText(word, tuple(start)), language).text
    values = {"reader": reader, "word": word, "phonemes": read, "expected": expected}
    text = f"{reader}: {word} is {read}"
    if read != expected:
        advice = f"the voices learned {expected}: pip install --force-reinstall {packages}"
        return Finding(NOTE, text, advice, values)
    return Finding(OK, text, "", values)
