"""Control that is written into a text: `[pause 0.5]` and `[tomato](/təˈmɑːtoʊ/)`; and a lexicon's words.

Where a word's phonemes are given, another stands in for it that no language has, but that begins with a vowel
where they do; its own phonemes are replaced at last. So the numbers around it, "the" and stress are read as
they should be, whatever it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import UserError
from .lexicon import Lexicon, check_phonemes
from .language_detection import fold
from .language_detection import join as join_parts
from .tokenizer import Sentence, Tokenizer

MAX_PAUSE = 60.0  # seconds
STAND_INS = ("Zubazub", "Ozubazub")  # their phonemes never depend on what is around them
_STAND_IN = re.compile("|".join(reversed(STAND_INS)), re.IGNORECASE)
_VOWELS = "AIOQWYaeiouæøœɐɑɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ"
_VOICELESS, _SIBILANTS = "pftkθçx", "szʃʒɕʂʑʣʥʦʨꭧʤʧ"

# One that is not closed matches up to where it would be, and what begins within is not closed either.
_PAUSE = re.compile(
    r"[\[［]\s*pause(?![^\W\d_])(?P<seconds>[^\]］\n]*)(?P<closed>[\]］](?!\())?", re.IGNORECASE
)
_SECONDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s?\s*", re.ASCII)
_GIVEN = r"\[(?!\s*\])(?P<word>[^\[\]\n]+)\]\(/(?P<phonemes>[^/\n]*)/\)"
_MARKED = re.compile(rf"{_GIVEN}|(?P<own>(?i:{_STAND_IN.pattern}))")


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


def read_markup(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon | Mapping[str, str] | None = None
) -> Markup:
    """Take the markup out of a text.

    Args:
        text: any.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
    Raises:
        UserError: a pause has no number of seconds from 0 to 60; given phonemes are not the model's, or it
            reads characters.
    """
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
    given: list[Given] = []

    def stand_ins(text: str) -> str:
        pieces, at = [], 0
        for start, end, word in _replaced(text, tokenizer, lexicon):
            if word is None:  # the text's own: no longer the same, and read alike
                pieces += [text[at : end - 3], "-", text[end - 3 : end]]
            else:
                given.append(word)
                name = STAND_INS[next(symbol for symbol in word.phonemes if symbol not in "ˈˌ") in _VOWELS]
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
        parts += [stand_ins(text[start : match.start()]), _seconds(match)]
        start = match.end()
    parts.append(stand_ins(text[start:]))
    plain = _PAUSE.sub(lambda match: " " if match["closed"] else match[0], text)
    plain = re.sub(_GIVEN, lambda match: match["word"], plain)
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


def _replaced(text: str, tokenizer: Tokenizer, lexicon: Lexicon) -> Iterator[tuple[int, int, Given | None]]:
    """Start and end of what a stand-in is for, in order; None is the name of a stand-in itself.

    What begins first is taken, of what begins together the phonemes in the text, then the lexicon's.
    """
    match = _MARKED.search(text)
    at = 0
    for start, end, phonemes in lexicon.find(text):
        while match and match.start() + (match["own"] is not None) <= start:
            yield _marked(match, tokenizer)
            at = match.end()
            match = _MARKED.search(text, at)
        if start >= at:
            yield start, end, Given(" ".join(text[start:end].split()), phonemes)
            at = end
            if match and match.start() < at:
                match = _MARKED.search(text, at)
    while match:
        yield _marked(match, tokenizer)
        match = _MARKED.search(text, match.end())


def _marked(match: re.Match, tokenizer: Tokenizer) -> tuple[int, int, Given | None]:
    if match["own"]:
        return *match.span(), None
    _need_phonemes(tokenizer, match[0])
    phonemes = check_phonemes(match["phonemes"], tokenizer.ids, match[0])
    return *match.span(), Given(" ".join(match["word"].split()), phonemes)


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
