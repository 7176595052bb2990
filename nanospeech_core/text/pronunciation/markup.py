"""Markup in a text: `[pause 0.5]`, `[voice: emma]`, `[lang: zh]`, `[word](/wˈɜːd/)`; and a lexicon."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from ...errors import UserError
from ..characters import fold
from ..document import Document, GivenPronunciation, Settings
from ..languages import LANGUAGES, find_code
from ..ssml.xml import is_ssml
from ..tokenizer import Tokenizer
from ..traced import Span, TracedText
from .lexicon import Lexicon, check_phonemes
from .stand_ins import Found, need_phonemes, with_ending, with_stand_ins

MAX_PAUSE = 60.0  # seconds
MIN_RATE, MAX_RATE = 0.25, 4.0

# A pause that is not closed matches up to the end of its line, so that none begins inside it.
_PAUSE = re.compile(
    r"[\[［]\s*pause(?![^\W\d_])(?P<seconds>[^\]］\n]*)(?P<closed>[\]］](?!\())?", re.IGNORECASE
)
_SETTING = re.compile(
    r"[\[［]\s*(?P<name>voice|rate|lang)\s*[:：](?P<value>[^\[\]［］\n]*)"
    r"(?P<end>[\]］](?!\()|(?=[\[［\n])|\Z)",  # nothing: the tag is not closed
    re.IGNORECASE,
)
_EXAMPLES = {"voice": "[voice: emma]", "rate": "[rate: 0.9]", "lang": "[lang: zh]"}
_SECONDS = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s?\s*", re.ASCII)
_RATE = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_PRONUNCIATION = r"\[(?!\s*\])(?P<word>[^\[\]\n]+)\]\(/(?P<phonemes>[^/\n]*)/\)"
_MARKED = re.compile(_PRONUNCIATION)


def read_markup(
    text: str, tokenizer: Tokenizer, lexicon: Lexicon | Mapping[str, str] | None = None
) -> Document:
    """Separate a text from its markup.

    Args:
        text: any.
        tokenizer: the model's.
        lexicon: phonemes of words that have none in the text.
    Raises:
        UserError: a pause is not a number of seconds from 0 to 60, or a rate not one from 0.25 to 4; a
            language is unknown; a tag is not closed; phonemes are not in the model's vocabulary, or the model
            reads characters.
    """
    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon or {})
    if lexicon:
        need_phonemes(tokenizer, "a lexicon")
    source = TracedText.of(text)
    pronunciations: dict[Span, GivenPronunciation] = {}
    parts: list[TracedText | float | Settings] = []
    settings, start = Settings(), 0
    pauses = [match for match in _PAUSE.finditer(text) if match["closed"]]
    tags = sorted((*pauses, *_SETTING.finditer(text)), key=re.Match.start)
    for match in [*tags, None]:
        part = source[start : match.start() if match else None]
        part, words = with_stand_ins(part, _words(part.text, tokenizer, lexicon))
        pronunciations |= words
        parts += [part] if part.text else []
        if match and match.re is _PAUSE:
            parts.append(_seconds(match))
        elif match:
            settings = _change(settings, match)
            parts.append(settings)
        start = match.end() if match else start
    return Document(tuple(parts), pronunciations)


def without_markup(text: str) -> str:
    """The text without anything that would be taken for markup or SSML: for text of a language model.

    A word with phonemes becomes the word; all other square brackets are removed, and their content stays.
    """
    if is_ssml(text):
        text = text.replace("<", " ")
    text = re.sub(_PRONUNCIATION, lambda match: match["word"], text)
    return re.sub(r"[\[\]［］]", "", re.sub(r"(?<=[\w\]］])(?=[\[［])", " ", text))  # arr[0]: arr 0


def _words(text: str, tokenizer: Tokenizer, lexicon: Lexicon) -> Iterator[Found]:
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
            word = with_ending(text, start, end, text[start:end], phonemes)
            yield word
            at = word[1]
            if match and match.start() < at:
                match = _MARKED.search(text, at)
    while match:
        yield _marked(match, tokenizer)
        match = _MARKED.search(text, match.end())


def _marked(match: re.Match, tokenizer: Tokenizer) -> Found:
    need_phonemes(tokenizer, match[0])
    phonemes = check_phonemes(match["phonemes"], tokenizer.ids, match[0])
    return with_ending(match.string, *match.span(), match["word"], phonemes)


def _seconds(match: re.Match) -> float:
    number = _SECONDS.fullmatch(fold(match["seconds"]))
    if number is None or not math.isfinite(float(number[1])) or float(number[1]) > MAX_PAUSE:
        raise UserError(
            f'"{match[0]}" is not a pause of 0 to {MAX_PAUSE:g} seconds: write it like [pause 0.5]'
        )
    return float(number[1])


def _change(settings: Settings, match: re.Match) -> Settings:
    """The settings after a tag; `default` takes a voice, a rate or a language back."""
    value = fold(match["value"]).strip()
    if not match["end"]:
        example = _EXAMPLES[match["name"].lower()]
        raise UserError(f'"{match[0].strip():.60}" is not closed: write it like {example}')
    if match["name"].lower() == "voice":
        if not value:
            raise UserError(f'"{match[0]}" names no voice: write it like [voice: emma]')
        return settings._replace(voice=None if value.lower() == "default" else value)
    if match["name"].lower() == "lang":
        language = None if value.lower() == "default" else find_code(value)
        if language is None and value.lower() != "default":
            raise UserError(f'"{match[0]}" names no language; the languages are {", ".join(LANGUAGES)}')
        return settings._replace(language=language)
    number = _RATE.fullmatch(value)
    rate = 1.0 if value.lower() == "default" else float(number[0]) if number else 0.0
    if not MIN_RATE <= rate <= MAX_RATE:
        raise UserError(
            f'"{match[0]}" is not a rate of {MIN_RATE:g} to {MAX_RATE:g}: write it like [rate: 0.9]'
        )
    return settings._replace(rate=rate)
