"""The languages that can be spoken: one row of `TABLE` each. A new language is a folder and a row.

A language's rules and libraries (espeak-ng, pypinyin, ...) are loaded on first use.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import UserError
from .document import NOTHING_GIVEN, Given
from .language_detection import ALPHABETIC, join_parts, split_spoken, split_written
from .readings.rules import Reading, apply_readings
from .traced import TracedText


@dataclass(frozen=True)
class Language:
    """How one language, or one accent of it, is read: three functions, and some words.

    A language is written either in Chinese characters or in an alphabet, see `language_detection`.

    Attributes:
        ends_sentence: whether a full stop ends its sentence. Its arguments: a paragraph; where the sentence
            begins in it; a match of the full stop (group "stop"), with closing quotes; whether the
            paragraph is complete, else the result may be None: what follows decides.
        find_readings: what in a written sentence is read otherwise than it is written, such as numbers.
        phonemize: a sentence as it is read aloud, and words with given phonemes -> phonemes.
        sample: a word, to test whether the phonemizer works.
        say_as: a kind and a text -> how the text is read as that; None if it is none. The kinds are
            "characters", "cardinal", "ordinal", "digits", "fraction" and "telephone"; "date", a text
            "year-month-day", and "duration", "hours:minutes:seconds", whose parts may be missing or zero.
        names: more names of the language, or of the accent, in data sets; in lower case.
        alphabetic: written in letters. Character models read it normalized, and errors are counted in words.
        code_omitted, formula_omitted: spoken in place of a block of code or a formula.
        list_marks: between the items of a list, and at its end.
        signs: characters that its rules read, and that texts in other languages skip.
    """

    ends_sentence: Callable[[str, int, re.Match[str], bool], bool | None]
    find_readings: Callable[[str], Sequence[Reading]]
    phonemize: Callable[[TracedText, Given], TracedText]
    sample: str
    names: tuple[str, ...] = ()
    alphabetic: bool = True
    code_omitted: str = "Code omitted."
    formula_omitted: str = "Formula omitted."
    list_marks: tuple[str, str] = (", ", ".")
    signs: str = ""
    say_as: Callable[[str, str], str | None] = lambda kind, text: None


def _english(accent: str, voice: str, names: tuple[str, ...]) -> Language:
    def find_readings(text: str) -> list[Reading]:
        from .english.normalize import find

        return find(text, accent)

    def phonemize(text: TracedText, given: Given) -> TracedText:
        from .english.normalize import respell
        from .espeak.phonemizer import phonemize

        return phonemize(respell(text), voice, given)

    def say_as(kind: str, text: str) -> str | None:
        from .english.say_as import say_as

        return say_as(accent, kind, text)

    return Language(_ends_english_sentence, find_readings, phonemize, "Hello", names, say_as=say_as)


def _ends_english_sentence(text: str, start: int, stop: re.Match[str], finished: bool) -> bool | None:
    from .english.sentences import ends_sentence

    return ends_sentence(text, start, stop, finished)


def _chinese() -> Language:
    def find_readings(text: str) -> list[Reading]:
        from .chinese.normalize import find

        return find(text)

    def phonemize(text: TracedText, given: Given) -> TracedText:
        from .chinese.pinyin import phonemize

        return phonemize(text)

    def say_as(kind: str, text: str) -> str | None:
        from .chinese.say_as import say_as

        return say_as(kind, text)

    return Language(
        _ends_english_sentence,  # its own full stop, 。, always ends the sentence
        find_readings,
        phonemize,
        sample="你好",
        names=("chinese", "mandarin", "zho", "cmn"),
        alphabetic=False,
        code_omitted="代码略。",
        formula_omitted="公式略。",
        list_marks=("，", "。"),
        say_as=say_as,
    )


def _spanish() -> Language:
    def find_readings(text: str) -> list[Reading]:
        from .spanish.normalize import find

        return find(text)

    def phonemize(text: TracedText, given: Given) -> TracedText:
        from .espeak.phonemizer import phonemize

        return phonemize(text, "roa/es", given)

    def ends_sentence(text: str, start: int, stop: re.Match[str], finished: bool) -> bool | None:
        from .spanish.sentences import ends_sentence

        return ends_sentence(text, start, stop, finished)

    def say_as(kind: str, text: str) -> str | None:
        from .spanish.say_as import say_as

        return say_as(kind, text)

    return Language(
        ends_sentence,
        find_readings,
        phonemize,
        sample="Hola",
        names=("spanish", "spa", "castilian"),
        code_omitted="Código omitido.",
        formula_omitted="Fórmula omitida.",
        signs="ªº",
        say_as=say_as,
    )


TABLE = {
    "en-us": _english("en-us", "gmw/en-US", ("english", "eng")),
    "en-gb": _english("en-gb", "gmw/en", ("en-uk",)),
    "zh": _chinese(),
    "es": _spanish(),
}
LANGUAGES = tuple(TABLE)


def find_language(code: str) -> Language:
    """The row of a language. Raises UserError for an unknown language."""
    if code not in TABLE:
        raise UserError(f'there is no language "{code}"; the languages are {", ".join(LANGUAGES)}')
    return TABLE[code]


def find_code(name: str, default: str = ALPHABETIC) -> str | None:
    """The code of a language for its name in a data set ("en", "en_AU", "English", "zh-CN"); None: unknown.

    default: of several accents of the language, this one if it is among them.
    """
    name = name.strip().lower().replace("_", "-")
    for code, language in TABLE.items():
        if name == code or (name in language.names and "-" in name):
            return code
    base = base_language(name)
    codes = [code for code, row in TABLE.items() if base == base_language(code) or base in row.names]
    accents = [code for code in TABLE if codes and base_language(code) == base_language(codes[0])]
    return default if default in accents else accents[0] if accents else None


def language_name(code: str) -> str:
    """The English name of a language: "Spanish" of "es"."""
    base = base_language(code)
    names = (row.names[0] for key, row in TABLE.items() if base_language(key) == base and row.names)
    return next(names, base).capitalize()


def check_language(language: str | None, spoken: Sequence[str]) -> None:
    """Raise UserError for a language that a model does not speak.

    Args:
        language: one of `TABLE`; None: nothing is asked for.
        spoken: the model's (`config.TextConfig.languages`).
    """
    if language is not None and base_language(language) not in spoken:
        names = " and ".join(
            filter(None, (", ".join(map(language_name, spoken[:-1])), language_name(spoken[-1])))
        )
        raise UserError(
            f'this model does not speak {language_name(language)} ("{language}"): it was trained on {names}'
        )


def is_alphabetic(name: str) -> bool:
    """Whether a language is written in letters, as unknown ones are taken to be."""
    code = find_code(name)
    return code is None or TABLE[code].alphabetic


def base_language(code: str) -> str:
    """The language without its accent: "en" of "en-gb"."""
    return code.partition("-")[0]


def normalize(text: TracedText, language: str = ALPHABETIC, given: Given = NOTHING_GIVEN) -> TracedText:
    """One written sentence as it is read aloud; its parts in two scripts, in two languages.

    Args:
        text: as it is written, with stand-ins.
        language: of the text.
        given: the words with given phonemes: no rule reads them otherwise.
    Raises:
        UserError: an unknown language, or a library of it cannot be loaded.
    """
    parts = []
    for code, part in split_written(text, language):
        readings = find_language(code).find_readings(part.text)
        free = (given.keys().isdisjoint(part.spans[reading.start : reading.end]) for reading in readings)
        parts.append(apply_readings(part, itertools.compress(readings, free)))
    return join_parts(parts)


def phonemize(text: TracedText, language: str = ALPHABETIC, given: Given = NOTHING_GIVEN) -> TracedText:
    """Phonemes of one sentence, one character each, with punctuation and stress.

    Chinese characters are read as Chinese and letters as `language`, or as American English where
    `language` is "zh".

    Args:
        text: as it is read aloud (`Tokenizer.spoken`).
        language: of the text.
        given: phonemes of words.
    Raises:
        UserError: an unknown language, or its phonemizer cannot be loaded.
    """
    find_language(language)
    parts = [find_language(code).phonemize(part, given) for code, part in split_spoken(text, language)]
    return join_parts(parts)
