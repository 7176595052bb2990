"""Builds a document from texts, pauses and settings in the order in which they are spoken."""

from __future__ import annotations

from collections.abc import Iterator

from ..characters import CLOSERS
from ..document import Document, GivenPronunciation, Settings
from ..pronunciation.lexicon import Lexicon
from ..pronunciation.stand_ins import Found, with_ending, with_stand_ins
from ..traced import Span, TracedText, concatenate

_Marked = tuple[int, int, GivenPronunciation | None]
_ENDS = (".", "!", "?", "…", "。", "！", "？", "；")
_AFTER_END = CLOSERS.replace("\\", "") + " "


class DocumentBuilder:
    """A document that grows at its end.

    Args:
        lexicon: phonemes of words that have none in the text.

    Attributes:
        settings: of what is added next.
    """

    def __init__(self, lexicon: Lexicon):
        self.settings = Settings()
        self._lexicon = lexicon
        self._parts: list[TracedText | float | Settings] = []
        self._added = Settings()  # the last settings among the parts
        self._pronunciations: dict[Span, GivenPronunciation] = {}
        self._written: dict[Span, str] = {}
        # What was added after the last part; and in it, in order, the words with given phonemes, and (None)
        # what is read otherwise than it is written.
        self._texts: list[TracedText] = []
        self._length = 0
        self._marked: list[_Marked] = []

    def add_text(self, text: TracedText) -> None:
        """Add a text as it is written."""
        if self.settings != self._added and text.text.strip():
            self._finish_text()
            self._parts.append(self.settings)
            self._added = self.settings
        self._texts.append(text)
        self._length += len(text)

    def add_pause(self, seconds: float) -> None:
        """Add silence."""
        self._finish_text()
        self._parts.append(seconds)

    def add_reading(self, place: Span, written: str, spoken: str) -> None:
        """Add a text that is read as another one."""
        if not spoken.strip():
            return
        self.add_text(TracedText.read_as(spoken, place))
        self._marked.append((self._length - len(spoken), self._length, None))
        self._written[place] = written

    def add_word(self, place: Span, written: str, phonemes: str) -> None:
        """Add a word with given phonemes."""
        self.add_text(TracedText.read_as(written, place))
        start = self._length - len(written)
        self._marked.append((start, self._length, GivenPronunciation(" ".join(written.split()), phonemes)))

    def end_sentence(self, position: int) -> None:
        """End a sentence, with or without a full stop, at a place in the source."""
        end = "".join(text.text for text in self._texts[-4:]).rstrip(_AFTER_END)
        self._break(position, " " if end.endswith(_ENDS) else "\n\n")

    def end_paragraph(self, position: int) -> None:
        """End a paragraph at a place in the source."""
        self._break(position, "\n\n")

    def _break(self, position: int, space: str) -> None:
        if any(text.text.strip() for text in self._texts):
            self._texts.append(TracedText.read_as(space, (position, position)))
            self._length += len(space)

    def finish(self, language: str | None) -> Document:
        """The document. language: in which all of it is written, if it says so."""
        self._finish_text()
        return Document(tuple(self._parts), self._pronunciations, self._written, language)

    def _finish_text(self) -> None:
        text, marked = concatenate(self._texts), self._marked
        self._texts, self._length, self._marked = [], 0, []
        if text.text:
            text, words = with_stand_ins(text, self._words(text.text, marked))
            self._pronunciations |= words
            self._parts.append(text)

    def _words(self, text: str, marked: list[_Marked]) -> Iterator[Found]:
        """The words with given phonemes, in order; those of the lexicon where nothing else is given.

        What is read otherwise than it is written has one place, so the lexicon knows all of it or nothing.
        """
        position, at = 0, 0  # in `marked`, in the text
        for start, end, phonemes in self._lexicon.find(text):
            while position < len(marked) and marked[position][1] <= start:
                yield from _given(text, marked[position])
                position += 1
            if start < at:
                continue
            found = with_ending(text, start, end, text[start:end], phonemes)
            if position < len(marked) and marked[position][0] < found[1]:
                if marked[position] != (start, end, None):
                    continue
                position += 1
            yield found
            at = found[1]
        for each in marked[position:]:
            yield from _given(text, each)


def _given(text: str, marked: _Marked) -> Iterator[Found]:
    start, end, word = marked
    if word is not None:
        yield with_ending(text, start, end, word.word, word.phonemes)
