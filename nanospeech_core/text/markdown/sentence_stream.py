"""The text of a language model, split into sentences while it is being generated."""

from __future__ import annotations

import re

from ..language_detection import ALPHABETIC
from ..pronunciation.markup import without_markup
from ..sentences import MIN_LENGTH, first_break, first_sentence_end, length_limit
from .blocks import MarkdownParser

# The first words of an answer should come soon. An incomplete first sentence is split at its last comma,
# colon or dash after CLAUSE_AFTER characters, where a voice may pause.
CLAUSE_AFTER = 60
# All other sentences are given whole: `Pipeline.speak` divides long ones, and lets their intonation go on.
# A text without sentences is divided, so that it is spoken before its end.
LONGEST = 1500
_CLAUSE_END = re.compile(r"[,;:]\s+|[，、：；]|—+\s*|\s–\s")
_URL = re.compile(r"\bhttps?://(?:www\.)?([\w.-]*\w)(?::\d+)?(?:[/?#](?:[^\s<>\"]*[\w/=#])?)?", re.ASCII)
_UNFINISHED = re.compile(r"\bhttps?://\S{0,2000}$")  # an incomplete address


class SentenceStream:
    """Takes Markdown in pieces of any size and returns sentences to speak. The sizes make no difference.

    This package's own markup (`markup`) is removed: a language model controls neither pauses nor phonemes.

    Args:
        reasoning: the tags around a model's reasoning, which is not spoken.
        begun: whether the text begins inside the reasoning, as some prompts end with the first tag.
        language: of text in letters.
    """

    def __init__(
        self,
        reasoning: tuple[str, str] = ("<think>", "</think>"),
        begun: bool = False,
        language: str = ALPHABETIC,
    ) -> None:
        self._filter = ReasoningFilter(reasoning, begun)
        self._markdown = MarkdownParser(language)
        self._splitter = SentenceSplitter(language)

    def feed(self, piece: str) -> list[str]:
        """Add a piece; returns the sentences that are complete now."""
        text = self._markdown.feed(self._filter.feed(piece))
        return list(map(without_markup, self._splitter.feed(text)))

    def finish(self) -> list[str]:
        """End the text; returns the remaining sentences."""
        text = self._markdown.feed(self._filter.finish()) + self._markdown.finish()
        return list(map(without_markup, self._splitter.feed(text) + self._splitter.finish()))


class ReasoningFilter:
    """Takes a model's text in pieces and removes the reasoning at its beginning; see `SentenceStream`."""

    def __init__(self, reasoning: tuple[str, str] = ("<think>", "</think>"), begun: bool = False) -> None:
        self._start, self._end = reasoning
        self._state = "reasoning" if begun else "before"
        self._pending = ""

    def feed(self, piece: str) -> str:
        """Add a piece; returns the text of the answer that is certain by now."""
        if self._state == "answer":
            return piece
        self._pending += piece
        while True:
            if self._state == "reasoning":
                _, found, rest = self._pending.partition(self._end)
                if not found:
                    self._pending = self._pending[1 - len(self._end) :] if len(self._end) > 1 else ""
                    return ""
                self._state, self._pending = "before", rest
            written = self._pending.lstrip()
            if self._start.startswith(written):  # perhaps the beginning of the tag
                if written != self._start:
                    return ""
            elif not written.startswith(self._start):
                self._state = "answer"
                return self.finish()
            self._state, self._pending = "reasoning", written.removeprefix(self._start)

    def finish(self) -> str:
        """End the text; returns the rest of the answer."""
        pending, self._pending = self._pending, ""
        return "" if self._state == "reasoning" else pending


class SentenceSplitter:
    """Takes plain text in pieces and returns each sentence as soon as it is complete.

    A line break ends a sentence. A sentence has at most about `LONGEST` characters, and at least
    `MIN_LENGTH` unless it is a complete paragraph. All text that can be spoken stays; of a web address, only
    the host.

    language: of the text, see `languages.Language.ends_sentence`.
    """

    def __init__(self, language: str = ALPHABETIC) -> None:
        self._language = language
        self._text = ""  # the incomplete sentence, with single spaces
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Add text; returns the sentences that are complete now."""
        sentences: list[str] = []
        for character in text:
            if character == "\n":
                sentences += self.finish()
                continue
            if character.isspace():
                character = " " if self._text and not self._text.endswith(" ") else ""
                self._text = _shorten(self._text)
            self._text += character
            if end := self._end():
                sentences += self._cut(end)
        return sentences

    def finish(self) -> list[str]:
        """End the paragraph; returns the rest of it."""
        self._text = _shorten(self._text)
        return self._cut(len(self._text))

    def _cut(self, end: int) -> list[str]:
        sentence, self._text = self._text[:end].strip(), self._text[end:].lstrip()
        if not any(map(str.isalnum, sentence)):
            return []  # "---"
        self._first = False
        return [sentence]

    def _end(self) -> int:
        """Where to split the text; 0: not yet."""
        text = self._text
        if end := first_sentence_end(text, MIN_LENGTH, self._language):
            return end
        if len(text) > length_limit(LONGEST, text) and not _UNFINISHED.search(text):
            return first_break(text, length_limit(LONGEST, text))
        if self._first and len(text) >= length_limit(CLAUSE_AFTER, text):
            least = length_limit(MIN_LENGTH, text)
            ends = [match.end() for match in _CLAUSE_END.finditer(text) if least <= match.end() < len(text)]
            if ends:
                return ends[-1]
        return 0


def _shorten(text: str) -> str:
    return _URL.sub(r"\1", text)
