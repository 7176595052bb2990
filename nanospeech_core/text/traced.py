"""Text whose characters know their place in the source, however often the text is rewritten."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

Span = tuple[int, int]  # the characters [start, end) of the source
_SPACES = re.compile(r"\s{2,}|[^\S ]")  # those that are no single space


@dataclass(frozen=True)
class TracedText:
    """A text, and the characters of the source that each of its characters stands for.

    What is read otherwise than it is written has the span of all that was written: in "five dollars", read
    for "$5", each character has the span of "$5". Spans are in order; two of them are equal or apart.
    """

    text: str
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, source: str) -> TracedText:
        """The source itself."""
        return cls(source, tuple(zip(range(len(source)), range(1, len(source) + 1), strict=True)))

    @classmethod
    def read_as(cls, text: str, span: Span) -> TracedText:
        """What is read for the characters `span` of the source."""
        return cls(text, (span,) * len(text))

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, part: slice) -> TracedText:
        return TracedText(self.text[part], self.spans[part])

    def __add__(self, other: TracedText) -> TracedText:
        return TracedText(self.text + other.text, self.spans + other.spans)

    @property
    def span(self) -> Span:
        """From the begin of its first character to the end of its last one; (0, 0) if it is empty."""
        return (self.spans[0][0], self.spans[-1][1]) if self.spans else (0, 0)

    def strip(self) -> TracedText:
        """Without white space at its ends."""
        start = len(self.text) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]

    def single_spaced(self) -> TracedText:
        """Without white space at its ends, and with single spaces inside."""
        if " ".join(self.text.split()) == self.text:
            return self
        return self.strip().rewrite(_SPACES, " ")

    def rewrite(
        self, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]
    ) -> TracedText:
        """Every match of a pattern replaced, as `re.sub` does; a replacement is not a template, though."""
        texts: list[str] = []
        spans: list[Span] = []
        position = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            replaced = replacement if isinstance(replacement, str) else replacement(match)
            texts += [self.text[position:start], replaced]
            spans.extend(self.spans[position:start])
            spans.extend([self[start:end].span] * len(replaced))
            position = end
        if not texts:
            return self
        return TracedText("".join([*texts, self.text[position:]]), (*spans, *self.spans[position:]))

    def replace_characters(self, replacements: Mapping[int, str | int | None]) -> TracedText:
        """Characters replaced as by `str.translate`, each by a string of any length."""
        if self.text.translate(replacements) == self.text:
            return self
        rewritten = [character.translate(replacements) for character in self.text]
        lengths = map(len, rewritten)
        spans = tuple(span for span, length in zip(self.spans, lengths, strict=True) for _ in range(length))
        return TracedText("".join(rewritten), spans)

    def runs(self, places: Container[Span]) -> Iterator[tuple[Span | None, int, int]]:
        """The text cut where one of the places begins or ends: (place or None, start, end) of each part."""
        start = 0
        for place, run in itertools.groupby(self.spans, lambda span: span if span in places else None):
            end = start + sum(1 for _ in run)
            yield place, start, end
            start = end

    def where(self, keep: Callable[[Span], bool]) -> TracedText:
        """The characters whose place `keep` accepts."""
        return self._select([keep(span) for span in self.spans])

    def filter(self, keep: Callable[[str], bool]) -> TracedText:
        """The characters that `keep` accepts."""
        return self._select([keep(character) for character in self.text])

    def _select(self, kept: list[bool]) -> TracedText:
        return TracedText(
            "".join(itertools.compress(self.text, kept)), tuple(itertools.compress(self.spans, kept))
        )


def concatenate(parts: Iterable[TracedText]) -> TracedText:
    """The parts in order."""
    parts = list(parts)
    return TracedText(
        "".join(part.text for part in parts), tuple(span for part in parts for span in part.spans)
    )
