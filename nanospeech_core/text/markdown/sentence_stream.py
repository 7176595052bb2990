"""What a language model writes, cut into sentences to speak while it is still writing."""

from __future__ import annotations

import re

from ..markup import without_markup
from ..sentences import first_break, first_sentence_end, length_limit
from .blocks import SpokenMarkdown

LEAST, MOST = 24, 300  # characters of what is spoken at a time, as in `split_sentences`
# The first words of an answer are waited for: a sentence that is not complete after this many characters
# is cut at its last comma, colon or dash, and after so many more at a space.
PATIENCE, AT_A_SPACE = 60, 100
_CLAUSE_END = re.compile(r"[,;:]\s+|[，、：；]|—+\s*|\s–\s")
_URL = re.compile(r"\bhttps?://(?:www\.)?([\w.-]*\w)(?::\d+)?(?:[/?#](?:[^\s<>\"]*[\w/=#])?)?", re.ASCII)
_UNFINISHED = re.compile(r"\bhttps?://\S{0,2000}$")  # an address that is still being written


class Dictation:
    """Takes Markdown in pieces of any size, gives sentences to speak; how it was cut makes no difference.

    None has markup of ours in it (`markup`): neither pauses nor phonemes are the model's to give.

    Args:
        reasoning: the tags around what a model thinks before it answers, which is not spoken.
        begun: whether the text begins inside of them: some prompts end with the first tag.
    """

    def __init__(self, reasoning: tuple[str, str] = ("<think>", "</think>"), begun: bool = False):
        self._answer = Answer(reasoning, begun)
        self._markdown = SpokenMarkdown()
        self._sentences = Sentences()

    def feed(self, piece: str) -> list[str]:
        """The sentences that `piece` completes."""
        said = self._markdown.feed(self._answer.feed(piece))
        return list(map(without_markup, self._sentences.feed(said)))

    def finish(self) -> list[str]:
        """What is left. The text ends here."""
        said = self._markdown.feed(self._answer.finish()) + self._markdown.finish()
        return list(map(without_markup, self._sentences.feed(said) + self._sentences.finish()))


class Answer:
    """Takes a model's text in pieces, gives it without the reasoning that it begins with; see `Dictation`."""

    def __init__(self, reasoning: tuple[str, str] = ("<think>", "</think>"), begun: bool = False):
        self._start, self._end = reasoning
        self._state = "reasoning" if begun else "before"
        self._held = ""

    def feed(self, piece: str) -> str:
        if self._state == "answer":
            return piece
        self._held += piece
        while True:
            if self._state == "reasoning":
                _, found, rest = self._held.partition(self._end)
                if not found:
                    self._held = self._held[1 - len(self._end) :] if len(self._end) > 1 else ""
                    return ""
                self._state, self._held = "before", rest
            written = self._held.lstrip()
            if self._start.startswith(written):  # as yet
                if written != self._start:
                    return ""
            elif not written.startswith(self._start):
                self._state = "answer"
                return self.finish()
            self._state, self._held = "reasoning", written.removeprefix(self._start)

    def finish(self) -> str:
        held, self._held = self._held, ""
        return "" if self._state == "reasoning" else held


class Sentences:
    """Takes plain text in pieces, gives its sentences as soon as each is complete; a line break ends one.

    None has more than about `MOST` characters, and only what stands alone has fewer than `LEAST`. Nothing
    that can be spoken is dropped, but of addresses only the host is kept.
    """

    def __init__(self):
        self._text = ""  # the beginning of a sentence, with single spaces
        self._first = True

    def feed(self, text: str) -> list[str]:
        sentences = []
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
        """What is left of the paragraph."""
        self._text = _shorten(self._text)
        return self._cut(len(self._text))

    def _cut(self, end: int) -> list[str]:
        sentence, self._text = self._text[:end].strip(), self._text[end:].lstrip()
        if not any(map(str.isalnum, sentence)):
            return []  # "---"
        self._first = False
        return [sentence]

    def _end(self) -> int:
        """Where to cut the text; 0: not yet."""
        text = self._text
        if end := first_sentence_end(text, LEAST):
            return end
        if len(text) > length_limit(MOST, text) and not _UNFINISHED.search(text):
            return first_break(text, length_limit(MOST, text))
        if self._first and len(text) >= length_limit(PATIENCE, text):
            least = length_limit(LEAST, text)
            ends = [match.end() for match in _CLAUSE_END.finditer(text) if least <= match.end() < len(text)]
            if ends:
                return ends[-1]
            if len(text) >= length_limit(AT_A_SPACE, text) and " " in text.strip():
                return text.rstrip().rfind(" ") + 1
        return 0


def _shorten(text: str) -> str:
    return _URL.sub(r"\1", text)
