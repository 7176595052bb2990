"""Markup in a text: `[pause 0.5]` and `[tomato](/təˈmɑːtoʊ/)`; and the words of a lexicon.

A word with given phonemes is replaced by a stand-in, a word of no language, while the sentence is normalized
and phonemized. Then the stand-in's phonemes are replaced by the given ones. The stand-in begins with a vowel
if they do, so that "the", stress and the numbers around it are read correctly, whatever the word is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ...errors import UserError
from ..characters import fold
from ..language_detection import join_parts
from ..symbols import STRESS
from ..tokenizer import Sentence, Tokenizer
from .lexicon import Lexicon, check_phonemes

MAX_PAUSE = 60.0  # seconds
STAND_INS = ("Zubazub", "Ozubazub")  # consonant, vowel; their phonemes do not depend on context
_STAND_IN = re.compile("|".join(reversed(STAND_INS)), re.IGNORECASE)
_VOWELS = "AIOQWYaeiouæøœɐɑɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ"
_VOICELESS, _SIBILANTS = "pftkθçx", "szʃʒɕʂʑʣʥʦʨꭧʤʧ"

# A pause that is not closed matches up to the end of its line, so that none begins inside it.
_PAUSE = re.compile(
    r"[\[［]\s*pause(?![^\W\d_])(?P<seconds>[^\]］\n]*)(?P<closed>[\]］](?!\())?", re.IGNORECASE
)
_SECONDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s?\s*", re.ASCII)
_PRONUNCIATION = r"\[(?!\s*\])(?P<word>[^\[\]\n]+)\]\(/(?P<phonemes>[^/\n]*)/\)"
_MARKED = re.compile(rf"{_PRONUNCIATION}|(?P<stand_in>(?i:{_STAND_IN.pattern}))")


class GivenPronunciation(NamedTuple):
    """A written word, and the phonemes to speak it with."""

    word: str
    phonemes: str


@dataclass(frozen=True)
class Markup:
    """A text without its markup."""

    parts: list[str | float]  # texts with stand-ins, and pauses in seconds, in order
    pronunciations: list[GivenPronunciation]  # one for each stand-in, in order
    plain: str  # the text as a reader would see it


def read_markup(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon | Mapping[str, str] | None = None
) -> Markup:
    """Separate a text from its markup.

    Args:
        text: any.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
    Raises:
        UserError: a pause is not a number of seconds from 0 to 60; phonemes are not in the model's
            vocabulary, or the model reads characters.
    """
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
    pronunciations: list[GivenPronunciation] = []

    def insert_stand_ins(text: str) -> str:
        pieces, at = [], 0
        for start, end, word in _find_words(text, tokenizer, lexicon):
            if word is None:  # the name of a stand-in: changed, but it sounds the same
                pieces += [text[at : end - 3], "-", text[end - 3 : end]]
            else:
                pronunciations.append(word)
                name = STAND_INS[next(symbol for symbol in word.phonemes if symbol not in STRESS) in _VOWELS]
                before, after = text[max(0, start - 1) : start], text[end : end + 1]
                name = name if word.word[0].isupper() else name.lower()
                pieces.append(f"{text[at:start]}{' ' * before.isalnum()}{name}{' ' * after.isalnum()}")
            at = end
        return "".join([*pieces, text[at:]])

    if lexicon:
        _need_phonemes(tokenizer, "a lexicon")
    parts: list[str | float] = []
    start = 0
    for match in _PAUSE.finditer(text):
        if not match["closed"]:
            continue
        parts += [insert_stand_ins(text[start : match.start()]), _seconds(match)]
        start = match.end()
    parts.append(insert_stand_ins(text[start:]))
    plain = _PAUSE.sub(lambda match: " " if match["closed"] else match[0], text)
    plain = re.sub(_PRONUNCIATION, lambda match: match["word"], plain)
    return Markup([part for part in parts if part != ""], pronunciations, plain)


def without_markup(text: str) -> str:
    """The text without anything that `read_markup` would take for markup: for text of a language model.

    A word with phonemes becomes the word; all other square brackets are removed, and their content stays.
    """
    text = re.sub(_PRONUNCIATION, lambda match: match["word"], text)
    return re.sub(r"[\[\]［］]", "", re.sub(r"(?<=[\w\]］])(?=[\[［])", " ", text))  # arr[0]: arr 0


def count_stand_ins(written: str) -> int:
    """How many stand-ins a written sentence has."""
    return len(_STAND_IN.findall(written))


def insert_pronunciations(
    sentence: Sentence, pronunciations: list[GivenPronunciation], tokenizer: Tokenizer, language: str
) -> str:
    """The symbols of a sentence, those of its stand-ins replaced by the given phonemes.

    Args:
        sentence: with stand-ins.
        pronunciations: one for each stand-in, in order.
        tokenizer: the model's.
        language: of the sentence.
    """
    if not pronunciations:
        return sentence.symbols
    stand_in_symbols = [tokenizer.symbols(name, language) for name in STAND_INS]
    parts = re.split("|".join(map(re.escape, reversed(stand_in_symbols))), sentence.symbols)
    spoken = _STAND_IN.split(sentence.text)
    if not all(stand_in_symbols) or len(parts) != len(pronunciations) + 1:  # not in the vocabulary
        symbols = tokenizer.symbols(spoken[0], language)
        for word, following in zip(pronunciations, spoken[1:], strict=True):
            symbols = join_parts([symbols, word.phonemes, tokenizer.symbols(following, language)])
        return symbols
    symbols = parts[0]
    for word, rest, following in zip(pronunciations, parts[1:], spoken[1:], strict=True):
        if re.match(r"['’]s\b", following) and rest.startswith("z"):  # "Nick's", "Bush's"
            ending = (
                "ɪz" if word.phonemes[-1] in _SIBILANTS else "s" if word.phonemes[-1] in _VOICELESS else "z"
            )
            rest = ending + rest[1:]
        symbols += word.phonemes + rest
    return symbols


def restore_words(text: str, pronunciations: list[GivenPronunciation]) -> str:
    """A text with its stand-ins replaced by the written words, one for each, in order."""
    words = iter(pronunciations)
    return _STAND_IN.sub(lambda match: next(words).word, text)


def _find_words(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon
) -> Iterator[tuple[int, int, GivenPronunciation | None]]:
    """Start, end and phonemes of the words to replace, in order; None: the text has a stand-in's name itself.

    The earliest match wins; at the same position, phonemes in the text win over the lexicon's.
    """
    match = _MARKED.search(text)
    at = 0
    for start, end, phonemes in lexicon.find(text):
        while match and match.start() + (match["stand_in"] is not None) <= start:
            yield _marked(match, tokenizer)
            at = match.end()
            match = _MARKED.search(text, at)
        if start >= at:
            yield start, end, GivenPronunciation(" ".join(text[start:end].split()), phonemes)
            at = end
            if match and match.start() < at:
                match = _MARKED.search(text, at)
    while match:
        yield _marked(match, tokenizer)
        match = _MARKED.search(text, match.end())


def _marked(match: re.Match, tokenizer: Tokenizer) -> tuple[int, int, GivenPronunciation | None]:
    if match["stand_in"]:
        return *match.span(), None
    _need_phonemes(tokenizer, match[0])
    phonemes = check_phonemes(match["phonemes"], tokenizer.ids, match[0])
    return *match.span(), GivenPronunciation(" ".join(match["word"].split()), phonemes)


def _need_phonemes(tokenizer: Tokenizer, what: str) -> None:
    if tokenizer.kind != "phonemes":
        raise UserError(f"{what} gives phonemes, but this model reads characters")


def _seconds(match: re.Match) -> float:
    number = _SECONDS.fullmatch(fold(match["seconds"]))
    if number is None or not math.isfinite(float(number[1])) or float(number[1]) > MAX_PAUSE:
        raise UserError(
            f'"{match[0]}" is not a pause of 0 to {MAX_PAUSE:g} seconds: write it like [pause 0.5]'
        )
    return float(number[1])
