"""The data model of the text front end: a document, its sentences, their words.

Each of them knows its place in the text that the user gave, the source. A stage takes what the stage before
has found and adds to it: `pronunciation.markup.read_markup` makes a document of the source,
`sentences.split_sentences` cuts it, and `tokenizer.Tokenizer` reads the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .languages import NOTHING_GIVEN, Given
from .traced import Span, TracedText, concatenate
from .words import Word


class GivenPronunciation(NamedTuple):
    """A written word, and the phonemes to speak it with."""

    word: str
    phonemes: str


@dataclass(frozen=True)
class Document:
    """A text without its markup.

    Attributes:
        parts: texts and pauses in seconds, in order. A text has a stand-in for each word with given
            phonemes: a word of no language, so that the words around it are read as they should be, whatever
            the word is.
        pronunciations: the words with given phonemes, by their place in the source.
    """

    parts: tuple[TracedText | float, ...]
    pronunciations: Mapping[Span, GivenPronunciation]

    @classmethod
    def of(cls, text: str) -> Document:
        """A text without markup."""
        return cls((TracedText.of(text),), {})

    @property
    def texts(self) -> list[TracedText]:
        """Its texts, without the pauses between."""
        return [part for part in self.parts if isinstance(part, TracedText)]

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

    def restore(self, text: TracedText) -> TracedText:
        """A text with the written words in place of the stand-ins."""
        if self.pronunciations.keys().isdisjoint(text.spans):
            return text
        return concatenate(
            text[start:end] if place is None else TracedText.read_as(self.pronunciations[place].word, place)
            for place, start, end in text.runs(self.pronunciations)
        )


@dataclass(frozen=True)
class Sentence:
    """A sentence; or some short ones; or a part of one that is too long.

    Attributes:
        written: as it is written, without markup, with single spaces.
        spoken: as it is read aloud, numbers in words; with stand-ins, see `Document`.
        symbols: the model's symbols.
        words: those that are spoken, with their places in `written`, `symbols` and the source.
        joints: after how many words a shorter sentence in it ends.
        continues: whether the written sentence goes on in the next one: it was too long.
    """

    written: str
    spoken: str
    symbols: str
    words: tuple[Word, ...]
    joints: tuple[int, ...] = ()
    continues: bool = False
