"""Markup in a text: `[pause 0.5]`, `[voice: emma]`, `[rate: 0.9]`, `[tomato](/təˈmɑːtoʊ/)`; and a lexicon.

A word with given phonemes is replaced by a stand-in, a word of no language, so that "the", stress and the
numbers around it are read correctly, whatever the word is. The stand-in begins with a vowel if the phonemes
do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from ...errors import UserError
from ..characters import fold
from ..document import Document, GivenPronunciation, Settings
from ..symbols import STRESS
from ..tokenizer import Tokenizer
from ..traced import Span, TracedText, concatenate
from .lexicon import Lexicon, check_phonemes

MAX_PAUSE = 60.0  # seconds
MIN_RATE, MAX_RATE = 0.25, 4.0
STAND_INS = ("Zubazub", "Ozubazub")  # consonant, vowel
_VOWELS = "AIOQWYaeiouæøœɐɑɒɔəɚɛɜɤɨɪɯʊʌᵊᵻ"
_VOICELESS, _SIBILANTS = "pftkθçx", "szʃʒɕʂʑʣʥʦʨꭧʤʧ"

# A pause that is not closed matches up to the end of its line, so that none begins inside it.
_PAUSE = re.compile(
    r"[\[［]\s*pause(?![^\W\d_])(?P<seconds>[^\]］\n]*)(?P<closed>[\]］](?!\())?", re.IGNORECASE
)
_SETTING = re.compile(
    r"[\[［]\s*(?P<name>voice|rate)\s*[:：](?P<value>[^\[\]［］\n]*)[\]］](?!\()", re.IGNORECASE
)
_SECONDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s?\s*", re.ASCII)
_RATE = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_PRONUNCIATION = r"\[(?!\s*\])(?P<word>[^\[\]\n]+)\]\(/(?P<phonemes>[^/\n]*)/\)"
_MARKED = re.compile(_PRONUNCIATION)
_POSSESSIVE = re.compile(r"['’]s\b")


def read_markup(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon | Mapping[str, str] | None = None
) -> Document:
    """Separate a text from its markup.

    Args:
        text: any.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
    Raises:
        UserError: a pause is not a number of seconds from 0 to 60, or a rate not one from 0.25 to 4; phonemes
            are not in the model's vocabulary, or the model reads characters.
    """
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
    if lexicon:
        _need_phonemes(tokenizer, "a lexicon")
    source = TracedText.of(text)
    pronunciations: dict[Span, GivenPronunciation] = {}
    parts: list[TracedText | float | Settings] = []
    settings, start = Settings(), 0
    pauses = [match for match in _PAUSE.finditer(text) if match["closed"]]
    tags = sorted((*pauses, *_SETTING.finditer(text)), key=re.Match.start)
    for match in [*tags, None]:
        part = source[start : match.start() if match else None]
        words = {
            (start + begin, start + end): word for begin, end, word in _words(part.text, tokenizer, lexicon)
        }
        pronunciations |= words
        parts += [_with_stand_ins(source, part, words) if words else part] if part.text else []
        if match and match.re is _PAUSE:
            parts.append(_seconds(match))
        elif match:
            settings = _change(settings, match)
            parts.append(settings)
        start = match.end() if match else start
    return Document(tuple(parts), pronunciations)


def _with_stand_ins(
    source: TracedText, part: TracedText, words: Mapping[Span, GivenPronunciation]
) -> TracedText:
    """A part of the source, its words with given phonemes replaced."""
    pieces, position = [], part.span[0]
    for (start, end), word in words.items():
        name = STAND_INS[next(symbol for symbol in word.phonemes if symbol not in STRESS) in _VOWELS]
        before, after = source.text[max(0, start - 1) : start], source.text[end : end + 1]
        pieces += [
            source[position:start],
            TracedText.read_as(" " * before.isalnum(), (start, start)),
            TracedText.read_as(name if word.word[0].isupper() else name.lower(), (start, end)),
            TracedText.read_as(" " * after.isalnum(), (end, end)),
        ]
        position = end
    return concatenate([*pieces, source[position : part.span[1]]])


def without_markup(text: str) -> str:
    """The text without anything that `read_markup` would take for markup: for text of a language model.

    A word with phonemes becomes the word; all other square brackets are removed, and their content stays.
    """
    text = re.sub(_PRONUNCIATION, lambda match: match["word"], text)
    return re.sub(r"[\[\]［］]", "", re.sub(r"(?<=[\w\]］])(?=[\[［])", " ", text))  # arr[0]: arr 0


def _words(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon
) -> Iterator[tuple[int, int, GivenPronunciation]]:
    """Start, end and phonemes of the words with given phonemes, in order.

    The earliest match wins; at the same position, phonemes in the text win over the lexicon's.
    """
    match = _MARKED.search(text)
    at = 0
    for start, end, phonemes in lexicon.find(text):
        while match and match.start() <= start:
            yield _marked(match, tokenizer)
            at = match.end()
            match = _MARKED.search(text, at)
        if start >= at:
            word = _with_ending(text, start, end, text[start:end], phonemes)
            yield word
            at = word[1]
            if match and match.start() < at:
                match = _MARKED.search(text, at)
    while match:
        yield _marked(match, tokenizer)
        match = _MARKED.search(text, match.end())


def _marked(match: re.Match, tokenizer: Tokenizer) -> tuple[int, int, GivenPronunciation]:
    _need_phonemes(tokenizer, match[0])
    phonemes = check_phonemes(match["phonemes"], tokenizer.ids, match[0])
    return _with_ending(match.string, *match.span(), match["word"], phonemes)


def _with_ending(
    text: str, start: int, end: int, word: str, phonemes: str
) -> tuple[int, int, GivenPronunciation]:
    """A word with given phonemes, and the "'s" that follows it: "Nick's", "Bob's", "Bush's"."""
    ending = _POSSESSIVE.match(text, end)
    if ending:
        last = phonemes[-1]
        phonemes += "ɪz" if last in _SIBILANTS else "s" if last in _VOICELESS else "z"
        word, end = word + ending[0], ending.end()
    return start, end, GivenPronunciation(" ".join(word.split()), phonemes)


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


def _change(settings: Settings, match: re.Match) -> Settings:
    """The settings after a tag; `default` takes a voice or a rate back."""
    value = fold(match["value"]).strip()
    if match["name"].lower() == "voice":
        if not value:
            raise UserError(f'"{match[0]}" names no voice: write it like [voice: emma]')
        return settings._replace(voice=None if value.lower() == "default" else value)
    number = _RATE.fullmatch(value)
    rate = 1.0 if value.lower() == "default" else float(number[0]) if number else 0.0
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UserError(
            f'"{match[0]}" is not a rate of {MIN_RATE:g} to {MAX_RATE:g}: write it like [rate: 0.9]'
        )
    return settings._replace(rate=rate)
