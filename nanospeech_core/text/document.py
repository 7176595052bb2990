"""The data model of the text front end: a document, its sentences, their words.

Each of them knows its place in the text that the user gave, the source. A stage takes what the stage before
has found and adds to it: `pronunciation.markup.read_markup` makes a document of the source,
`sentences.split_sentences` cuts it, and `tokenizer.Tokenizer` reads the sentences.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .characters import HAN
from .symbols import SILENT
from .traced import Span, TracedText, concatenate

_OPENING = r"\"'“‘(\[{（「『《【$£€¥￥₩₹₽"
# A word with the marks around it. A Chinese character is a word.
WORD = re.compile(
    rf"[{_OPENING}]*(?:[{HAN}]|(?:(?![{HAN}])[^\s—–…，。！？；：、])+)(?:(?![{_OPENING}])[^\w\s]|[\"'](?=\s|$))*"
)


class Word(NamedTuple):
    """The written word text[start:end] is spoken by symbols [first, last), without the marks around it."""

    start: int
    end: int
    first: int
    last: int
    place: Span  # in the source


Given = Mapping[Span, str]  # phonemes that the user gives to words, by their place in the source
NOTHING_GIVEN: Given = MappingProxyType({})


class GivenPronunciation(NamedTuple):
    """A written word, and the phonemes to speak it with."""

    word: str
    phonemes: str


class Settings(NamedTuple):
    """How the text after it is spoken.

    Attributes:
        voice: its name; None: the voice of the options.
        rate: tempo, relative to that of the options.
        language: in which the text is read; None: that of the options, or of the text.
        voice_language: where no voice is named, the model's first voice of this language; None: that of the
            options.
    """

    voice: str | None = None
    rate: float = 1.0
    language: str | None = None
    voice_language: str | None = None


@dataclass(frozen=True)
class Document:
    """A text without its markup.

    Attributes:
        parts: texts, pauses in seconds, and settings, in order. A text has a stand-in for each word with
            given phonemes: a word of no language, so that the words around it are read as they should be,
            whatever the word is.
        pronunciations: the words with given phonemes, by their place in the source.
        written: what is written where the texts have what is read for it, by its place: "W3C", where a text
            has "World Wide Web Consortium".
        language: in which all of it is written, if it says so.
    """

    parts: tuple[TracedText | float | Settings, ...]
    pronunciations: Mapping[Span, GivenPronunciation]
    written: Mapping[Span, str] = field(default_factory=dict)
    language: str | None = None

    @classmethod
    def of(cls, text: str) -> Document:
        """A text without markup."""
        return cls((TracedText.of(text),), {})

    @property
    def texts(self) -> list[TracedText]:
        """Its texts, without the pauses between."""
        return [part for part in self.parts if isinstance(part, TracedText)]

    def passages(self) -> list[tuple[Settings, Document]]:
        """Its parts with the same settings, in order: documents that have words, and pauses around them."""
        found: list[tuple[Settings, Document]] = []
        settings, parts = Settings(), list[TracedText | float]()
        places = sorted({*self.pronunciations, *self.written})
        for part in (*self.parts, None):
            if isinstance(part, TracedText) and parts and isinstance(parts[-1], TracedText):
                parts[-1] += part  # a tag between them has changed nothing
            elif isinstance(part, (TracedText, float)):
                parts.append(part)
            elif part != settings:
                texts = [each for each in parts if isinstance(each, TracedText)]
                if any(map(str.isalnum, "".join(text.text for text in texts))):
                    start, end = texts[0].span[0], texts[-1].span[1]
                    inside = places[bisect_left(places, (start, 0)) : bisect_left(places, (end, 0))]
                    found.append((settings, self._passage(parts, inside)))
                    parts = []
                else:  # pauses between two tags
                    parts = [each for each in parts if isinstance(each, float)]
                settings = part or settings
        if found and parts:
            last_settings, last = found[-1]
            found[-1] = last_settings, replace(last, parts=(*last.parts, *parts))
        return found

    def _passage(self, parts: Sequence[TracedText | float], places: Sequence[Span]) -> Document:
        """Some of the parts, with what is given and written at their places."""
        given = {place: self.pronunciations[place] for place in places if place in self.pronunciations}
        written = {place: self.written[place] for place in places if place in self.written}
        return Document(tuple(parts), given, written, self.language)

    @property
    def plain(self) -> str:
        """The text as a reader sees it."""
        return " ".join(self.restore(text).text for text in self.texts)

    @property
    def given(self) -> Given:
        """The given phonemes, by place."""
        if not self.pronunciations:
            return NOTHING_GIVEN
        return {place: given.phonemes for place, given in self.pronunciations.items()}

    @functools.cached_property
    def _written_words(self) -> Mapping[Span, str]:
        return {place: given.word for place, given in self.pronunciations.items()} | dict(self.written)

    def restore(self, text: TracedText) -> TracedText:
        """A text as it is written, without stand-ins."""
        words = self._written_words
        if words.keys().isdisjoint(text.spans):
            return text
        parts = []
        for place, start, end in text.runs(words):
            if place is not None:
                parts.append(TracedText.read_as(words[place], place))
            else:  # without the spaces that set a stand-in apart, which have no place of their own
                parts.append(text[start:end].where(lambda span: span[0] < span[1]))
        return concatenate(parts)

    def sentence(self, piece: Piece, symbols: TracedText, ids: np.ndarray) -> Sentence:
        """A piece of the document with its symbols, and the words that these speak."""
        written = self.restore(piece.written).single_spaced()
        words = find_words(written, symbols)
        ends = [word.place[1] for word in words]
        joints = {bisect_right(ends, joint) for joint in piece.joints} - {0, len(words)}
        return Sentence(
            written.text,
            piece.spoken.text,
            symbols.text,
            ids,
            tuple(words),
            tuple(sorted(joints)),
            piece.continues,
        )


class Piece(NamedTuple):
    """A sentence; or some short ones; or a part of one that is too long.

    Attributes:
        written: with single spaces; a line that ends a sentence ends with a line break.
        spoken: the same as it is read aloud, with single spaces.
        joints: where the shorter sentences end that it is joined of, except the last: places in the source.
        continues: whether the sentence goes on in the next piece.
    """

    written: TracedText
    spoken: TracedText
    joints: tuple[int, ...]
    continues: bool


@dataclass(frozen=True, eq=False)
class Sentence:
    """A sentence; or some short ones; or a part of one that is too long.

    Attributes:
        written: as it is written, without markup, with single spaces.
        spoken: as it is read aloud, numbers in words; with stand-ins, see `Document`.
        symbols: the model's symbols.
        ids: of the symbols, int64 [symbols].
        words: those that are spoken, with their places in `written`, `symbols` and the source.
        joints: after how many words a shorter sentence in it ends.
        continues: whether the written sentence goes on in the next one: it was too long.
    """

    written: str
    spoken: str
    symbols: str
    ids: np.ndarray
    words: tuple[Word, ...]
    joints: tuple[int, ...]
    continues: bool


def find_words(written: TracedText, symbols: TracedText) -> list[Word]:
    """The words of a sentence that are spoken, in order; written words that are read together are one.

    Args:
        written: the sentence as it is written.
        symbols: its symbols, traced to the same source.
    """
    spans = [match.span() for match in WORD.finditer(written.text)] or [(0, len(written))]
    begins = [written.spans[start][0] for start, _ in spans]
    found: list[tuple[int, int, int, int]] = []  # the first and the last written word, and their symbols
    place: Span | None = None  # of the last symbol
    for index, (symbol, span) in enumerate(zip(symbols.text, symbols.spans, strict=True)):
        if symbol in SILENT:
            continue
        if span == place:
            first, last, sound, _ = found.pop()
        else:
            place, sound = span, index
            first = bisect_left(begins, span[0])
            if first == len(begins) or begins[first] > span[0]:  # inside a word, or after it
                first = max(0, first - 1)
            last = max(first, bisect_left(begins, span[1]) - 1)
            if found and first <= found[-1][1]:
                first, before, sound, _ = found.pop()
                last = max(last, before)
        found.append((first, last, sound, index + 1))
    words = ((spans[first][0], spans[last][1], sound, end) for first, last, sound, end in found)
    return [Word(*word, written[word[0] : word[1]].span) for word in words]
