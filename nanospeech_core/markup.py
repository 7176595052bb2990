"""Control that is written into a text: `[pause 0.5]` and `[tomato](/təˈmɑːtoʊ/)`; and a lexicon's words.

Where a word's phonemes are given, another stands in for it that no language has, but that begins with a vowel
where they do; its own phonemes are replaced at last. So the numbers around it, "the" and stress are read as
they should be, whatever it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .errors import UserError
from .lexicon import Lexicon, check_phonemes, entry_pattern, look_up
from .scripts import fold
from .scripts import join as join_parts
from .text import Sentence, Tokenizer

MAX_PAUSE = 60.0  # seconds
STAND_INS = ("Zubazub", "Ozubazub")  # their phonemes never depend on what is around them
_STAND_IN = re.compile("|".join(reversed(STAND_INS)), re.IGNORECASE)
_VOWELS = "AIOQWYaeiouæøœɐɑɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ"
_VOICELESS, _SIBILANTS = "pftkθçx", "szʃʒɕʂʑʣʥʦʨꭧʤʧ"

_PAUSE = re.compile(r"[\[［]\s*pause(?![^\W\d_])(?P<seconds>[^\]］\n]*)[\]］](?!\()", re.IGNORECASE)
_SECONDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s?\s*", re.ASCII)
_GIVEN = r"\[(?P<word>[^\[\]\n]+)\]\(/(?P<phonemes>[^/\n]*)/\)"


class Given(NamedTuple):
    """A word, as it is written, and the phonemes it is to be spoken with."""

    word: str
    phonemes: str


@dataclass(frozen=True)
class Markup:
    """A text without its markup."""

    parts: list[str | float]  # texts with stand-ins, and pauses in seconds, in order
    given: list[Given]  # what the stand-ins stand for, in order
    plain: str  # what a reader would read


def read_markup(text: str, tokenizer: Tokenizer, lexicon: Lexicon | None = None) -> Markup:
    """Take the markup out of a text.

    Args:
        text: any.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
    Raises:
        UserError: a pause has no number of seconds from 0 to 60; given phonemes are not the model's, or it
            reads characters.
    """
    given: list[Given] = []
    found = re.compile(
        rf"{_GIVEN}|(?P<entry>{entry_pattern(lexicon or {})})|(?P<own>(?i:{_STAND_IN.pattern}))"
    )

    def stand_in(match: re.Match) -> str:
        if match["own"]:  # the text's own: no longer the same, and read alike
            return f"{match[0][:-3]}-{match[0][-3:]}"
        word = " ".join((match["word"] or match[0]).split())
        if match["word"]:
            _need_phonemes(tokenizer, match[0])
            phonemes = check_phonemes(match["phonemes"], tokenizer.ids, match[0])
        else:
            phonemes = look_up(match[0], lexicon or {})
        given.append(Given(word, phonemes))
        name = STAND_INS[next(symbol for symbol in phonemes if symbol not in "ˈˌ") in _VOWELS]
        before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
        name = name if word[0].isupper() else name.lower()
        return f"{' ' * before.isalnum()}{name}{' ' * after.isalnum()}"

    if lexicon:
        _need_phonemes(tokenizer, "a lexicon")
    parts: list[str | float] = []
    start = 0
    for match in _PAUSE.finditer(text):
        parts += [found.sub(stand_in, text[start : match.start()]), _seconds(match)]
        start = match.end()
    parts.append(found.sub(stand_in, text[start:]))
    plain = re.sub(_GIVEN, lambda match: match["word"], _PAUSE.sub(" ", text))
    return Markup([part for part in parts if part != ""], given, plain)


def without_markup(text: str) -> str:
    """The text with nothing in it for `read_markup` to find: for what others wrote, a language model for one.

    A word with phonemes is left as it is written, and of all else in square brackets the brackets are taken.
    """
    text = re.sub(_GIVEN, lambda match: match["word"], text)
    return re.sub(r"[\[\]［］]", "", re.sub(r"(?<=[\w\]］])(?=[\[［])", " ", text))  # arr[0]: arr 0


def count_given(written: str) -> int:
    """How many stand-ins a sentence has."""
    return len(_STAND_IN.findall(written))


def pronounce(sentence: Sentence, given: list[Given], tokenizer: Tokenizer, language: str) -> str:
    """The symbols of a sentence with those of its given words, of which there are `count_given`, in place."""
    if not given:
        return sentence.symbols
    known = [tokenizer.symbols(name, language) for name in STAND_INS]
    parts = re.split("|".join(map(re.escape, reversed(known))), sentence.symbols)
    spoken = _STAND_IN.split(sentence.text)
    if not all(known) or len(parts) != len(given) + 1:  # what is not in the vocabulary cannot be found
        parts = [tokenizer.symbols(part, language) for part in spoken]
        return join_parts(
            [part for pair in zip(parts, [*_phonemes(given), ""], strict=True) for part in pair]
        )
    symbols = parts[0]
    for word, rest, following in zip(given, parts[1:], spoken[1:], strict=True):
        if re.match(r"['’]s\b", following) and rest.startswith("z"):  # "Nick's", "Bush's"
            ending = (
                "ɪz" if word.phonemes[-1] in _SIBILANTS else "s" if word.phonemes[-1] in _VOICELESS else "z"
            )
            rest = ending + rest[1:]
        symbols += word.phonemes + rest
    return symbols


def written_words(text: str, given: list[Given]) -> str:
    """A text with the words that stand-ins stand for."""
    words: Iterator[Given] = iter(given)
    return _STAND_IN.sub(lambda match: next(words).word, text)


def _phonemes(given: list[Given]) -> list[str]:
    return [word.phonemes for word in given]


def _need_phonemes(tokenizer: Tokenizer, what: str) -> None:
    if tokenizer.kind != "phonemes":
        raise UserError(f"{what} gives phonemes, but this model reads characters")


def _seconds(match: re.Match) -> float:
    number = _SECONDS.fullmatch(fold(match["seconds"]))
    if number is None or not math.isfinite(float(number[1])) or float(number[1]) > MAX_PAUSE:
        raise UserError(f'"{match[0]}" is no pause of 0 to {MAX_PAUSE:g} seconds, such as [pause 0.5]')
    return float(number[1])
