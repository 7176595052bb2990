"""A book as it is spoken: chapters of text with tags, and what an audiobook's player shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..text.characters import is_han

AFTER_TITLE = "[pause 0.9]"
SCENE_BREAK = "[pause 1.2]"
# Measured with the embedded voices on prose; marks and spaces count as characters.
LETTERS_PER_SECOND, HAN_PER_SECOND = 17.0, 4.8

_TAG = re.compile(r"\[(?:pause|voice|rate)\b[^\]\n]*\]|\]\(/[^/\n]*/\)", re.IGNORECASE)


@dataclass(frozen=True)
class Chapter:
    """A chapter.

    title: as a player shows it.
    text: to be spoken, its title included; paragraphs are separated by blank lines. It may have the tags that
        `generate` takes: [pause 0.5], [voice: emma].
    left_out: why it is not spoken unless all is asked for ("contents"); "" for a chapter that is.
    """

    title: str
    text: str
    left_out: str = ""

    @property
    def words(self) -> int:
        """The number of words; a Chinese character is one."""
        plain = _TAG.sub(" ", self.text)
        han = sum(map(is_han, plain))
        return han + len("".join(" " if is_han(character) else character for character in plain).split())

    def seconds(self, speed: float = 1.0) -> float:
        """An estimate of how long it lasts."""
        plain = _TAG.sub("", self.text)
        han = sum(map(is_han, plain))
        return (han / HAN_PER_SECOND + (len(plain) - han) / LETTERS_PER_SECOND) / speed


@dataclass(frozen=True)
class Book:
    """A book, with all its chapters, those that are left out too.

    cover: a JPEG or PNG file; None: there is none.
    """

    title: str
    author: str
    chapters: tuple[Chapter, ...]
    language: str = ""
    date: str = ""
    cover: bytes | None = None

    def spoken(self, everything: bool = False) -> tuple[Chapter, ...]:
        """The chapters that are spoken; with `everything` also front matter, contents, notices."""
        return tuple(chapter for chapter in self.chapters if everything or not chapter.left_out)

    def with_cover(self, cover: bytes | None) -> Book:
        """The book with another cover, unless it is None."""
        return self if cover is None else replace(self, cover=cover)


def image_format(data: bytes) -> str | None:
    """ "jpeg" or "png", by the first bytes of a file; None for other files."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    return "png" if data.startswith(b"\x89PNG\r\n\x1a\n") else None


def has_words(text: str) -> bool:
    """Whether anything of a text can be spoken."""
    return any(character.isalnum() for character in _TAG.sub("", text))
