"""A book as it is spoken: chapters of text with tags, and what an audiobook's player shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..text.characters import is_han

AFTER_TITLE = "[pause 0.9]"
SCENE_BREAK = "[pause 1.2]"
LEAD, TAIL = 0.5, 1.5  # seconds of silence around a chapter
# Seconds, measured with the embedded voices on 96 English and 28 Chinese paragraphs: of a letter, a digit (as
# the words that it becomes), a Chinese character; of the silence after a sentence, and at a mark inside it.
LETTER, DIGIT, HAN, SENTENCE, MARK = 0.067, 0.27, 0.165, 0.58, 0.13

_TAG = re.compile(r"\[(?:pause|voice|rate|lang)\b[^\[\]\n]{0,99}\]|\]\(/[^/\n]{0,999}/\)", re.IGNORECASE)
_RATE = re.compile(r"[\[［]\s{0,9}rate\s{0,9}[:：]([^\[\]［］\n]{0,99})[\]］](?!\()", re.IGNORECASE)
# Ends of sentences and of paragraphs. A pause that is asked for takes the place of that at such an end. The
# numbers of repetitions are limited, so that no text takes long.
_END = re.compile(
    r"(?:[.!?…。！？]{1,9}[\"'”’)」』]{0,9})?\s{0,9}"
    r"[\[［]\s{0,9}pause\s{0,9}(?P<seconds>\d{0,9}\.?\d{1,9})[s\s]{0,9}[\]］]"
    r"|[.!?…。！？]{1,9}[\"'”’)」』]{0,9}(?=[\s[［]|[^\x00-\u2e7f]|\Z)"
    r"|(?<=[\w\"'”’)」』])(?:\n\n|\Z)",
    re.IGNORECASE,
)
_MARK = re.compile(r"[,;:—，；：、]")


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
        """An estimate of how long it lasts, with the silence around it.

        speed: of the speech: the option, times the tempo of the voice.
        """
        spoken, rate, start = 0.0, 1.0, 0
        for match in [*_RATE.finditer(self.text), None]:
            spoken += _seconds(self.text[start : match.start() if match else None], speed * rate)
            if match:
                start, rate = match.end(), _number(match[1])
        return LEAD + spoken + TAIL


def _number(value: str) -> float:
    """The rate of a tag, 1 for `default`; other values are refused before they are spoken."""
    try:
        return max(float(value), 0.25)
    except ValueError:
        return 1.0


def _seconds(text: str, speed: float) -> float:
    """An estimate for a text of one rate, the silence after it included."""
    lines = re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in text.strip().split("\n")))
    pauses = [match["seconds"] for match in _END.finditer(lines)]
    silence = sum(SENTENCE if seconds is None else float(seconds) for seconds in pauses)
    plain = _TAG.sub("", text)
    han, digits = sum(map(is_han, plain)), sum(map(str.isdecimal, plain))
    letters = sum(map(str.isalnum, plain)) - han - digits
    marks = len(_MARK.findall(plain))
    return (letters * LETTER + digits * DIGIT + han * HAN + marks * MARK) / speed + silence


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
