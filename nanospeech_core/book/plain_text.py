"""Chapters of a text file: by lines such as "CHAPTER IV", by a sequence of numbers, else by wide gaps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .book import AFTER_TITLE, SCENE_BREAK, Book, Chapter, has_words
from .gutenberg import fields, without_marks, without_notices
from .headings import NUMBER, is_heading, joined_title, label, left_out, number_of, numbered_heading, title_of

_PARAGRAPHS = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_ITEM = re.compile(rf"\s*(?:{NUMBER}\b[.:]?\s|chapter\b)|.*\s\d+$", re.IGNORECASE)
_ENTRY = re.compile(rf"\s*chapter {NUMBER}\b", re.IGNORECASE)
PROSE = 200  # characters: what has no longer paragraph before the first chapter is a title page
CONTENTS = 300  # at most, between two headings of the contents
WIDE = 4  # line breaks of a gap between two parts of a text without headings
LONG_PART = 500  # characters of such a part, at least
LONG_TITLE = 80


@dataclass
class _Paragraph:
    text: str
    gap: int  # line breaks before it
    level: int = 0  # 1: a heading


@dataclass
class _Section:
    heading: str
    paragraphs: list[str] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Of its text in characters; lists of chapters do not count."""
        bare = [text for text in self.paragraphs if len(text) < 60 and text.strip()[-1].isalnum()]
        if len(bare) >= 8 and len(bare) > 0.9 * len(self.paragraphs):  # a list of illustrations
            return 0
        return sum(len(text) for text in self.paragraphs if not (_is_list(text) or _ENTRY.match(text)))


def read_plain_text(text: str, name: str) -> Book:
    """The book in a text file.

    Args:
        text: its content, in paragraphs that blank lines separate.
        name: of the file, for a book without a title.
    """
    text = re.sub(r"\r\n?", "\n", text).replace("\f", "\n\n")
    title, author = fields(text)
    paragraphs = _split(without_marks(without_notices(text)))
    _mark_headings(paragraphs)
    front, sections = _sections(paragraphs)
    sections = _without_contents(sections)
    if not sections:
        chapters = _by_gaps(paragraphs, title or name)
    else:
        chapters = [*_front(front, title or name), *_chapters(sections, title or name)]
    return Book(title or name, author, tuple(chapter for chapter in chapters if has_words(chapter.text)))


def _split(text: str) -> list[_Paragraph]:
    found, position, gap = [], 0, 0
    for match in [*_PARAGRAPHS.finditer(text), None]:
        part = text[position : match.start() if match else None].strip("\n")
        if part.strip() and not re.fullmatch(r"\s*\W{0,2}\d{1,4}\W{0,2}\s*", part):
            found.append(_Paragraph(part, gap))
        elif part.strip():  # a number alone: of a page, or of a chapter
            found.append(_Paragraph(part.strip(), max(gap, 2)))
        if match:
            gap, position = match[0].count("\n"), match.end()
    return found


def _mark_headings(paragraphs: list[_Paragraph]) -> None:
    """Set the levels: certain headings, and numbers that are in sequence (I, II, III)."""
    runs: list[list[int]] = []  # places of the numbers 1, 2, 3, ...
    last = labeled = 0
    for place, paragraph in enumerate(paragraphs):
        paragraph.level = int(is_heading(paragraph.text))
        if paragraph.level:
            labeled = number_of(paragraph.text) or labeled
            continue
        number = numbered_heading(paragraph.text)
        if number == 1:
            runs.append([place])
        elif number is not None and runs and last < number <= last + 2:  # one may be misprinted
            runs[-1].append(place)
        elif number is not None and number == labeled + 1 and paragraph.text.isupper():
            paragraph.level, labeled = 1, number  # after "ADVENTURE VI. THE MAN": "VII. THE BLUE CARBUNCLE"
            continue
        else:
            continue
        last = number
    for run in runs:
        for place in run if len(run) > 2 else []:
            paragraphs[place].level = 1
    for paragraph in paragraphs:  # the number of a page
        if not paragraph.level and paragraph.text.strip(" .-[]").isdecimal():
            paragraph.text = ""


def _sections(paragraphs: list[_Paragraph]) -> tuple[list[str], list[_Section]]:
    """What is before the first heading, and the sections."""
    front: list[str] = []
    sections: list[_Section] = []
    for number, paragraph in enumerate(paragraphs):
        before = paragraphs[number - 1] if number else None
        if paragraph.level:
            sections.append(_Section(paragraph.text))
        elif (
            before is not None
            and before.level
            and number_of(before.text)
            and _is_title(paragraph, paragraphs[number + 1 : number + 2])
        ):
            sections[-1].heading += "\n" + paragraph.text
        elif paragraph.text:
            (sections[-1].paragraphs if sections else front).append(paragraph.text)
    return front, sections


def _is_title(paragraph: _Paragraph, following: list[_Paragraph]) -> bool:
    """Whether the paragraph after "CHAPTER IV" is the chapter's title."""
    text = paragraph.text.strip()
    if (
        not following
        or len(text) > LONG_TITLE
        or text.count("\n") > 1
        or (text.startswith(('"', "“", "'", "‘")) and not text.isupper())
    ):
        return False
    small = [word for word in text.split() if word[:1].islower() and len(word) > 4]
    return (
        has_words(text)
        and (not text.endswith((".", "!", "?", "”", '"', ",", ";")) or text.isupper())
        and (text.isupper() or not small or not text.endswith((".", ",", ";")))
    )


def _without_contents(sections: list[_Section]) -> list[_Section]:
    """The sections without the contents: headings with hardly any text that come again."""
    later: set[str] = set()
    kept: list[_Section] = []
    listed = []
    for section in reversed(sections):
        key = label(section.heading)
        again = key in later
        later.add(key)
        if section.length < CONTENTS and (again or (section.paragraphs and not section.length)):
            listed.append(section)
            continue
        kept.append(section)
    for before, section in zip(sections, sections[1:], strict=False):
        if any(before is each for each in listed) and label(section.heading) in map(
            label, _headings(sections, section)
        ):
            section.heading = (
                ""  # the last entry of the contents, and what is between them and the first chapter
            )
    return kept[::-1]


def _headings(sections: list[_Section], after: _Section) -> list[str]:
    """The headings after a section."""
    place = next(number for number, section in enumerate(sections) if section is after)
    return [section.heading for section in sections[place + 1 :]]


def _front(paragraphs: list[str], title: str) -> list[Chapter]:
    """What is before the first chapter: prose is spoken, a title page and contents are not."""
    words = [text for text in paragraphs if has_words(text)]
    if not words:
        return []
    lists = [text for text in words if text.count("\n") > 2 and _is_list(text)]
    rest = [text for text in words if text not in lists and not left_out(title_of(text))]
    prose = any(len(" ".join(text.split())) > PROSE for text in rest)
    return [Chapter(title, _join(rest if prose else words), "" if prose else "title page")]


def _is_list(text: str) -> bool:
    lines = text.splitlines()
    short = sum(len(line.strip()) < 80 and not line.rstrip().endswith((",", "-")) for line in lines)
    numbered = sum(bool(_ITEM.match(line)) for line in lines)
    return short == len(lines) and 2 * numbered > len(lines)


def _chapters(sections: list[_Section], title_of_book: str) -> list[Chapter]:
    chapters, part = [], ""
    for number, section in enumerate(sections):
        title, text = title_of(section.heading), _join(section.paragraphs)
        if not has_words(text) and number + 1 < len(sections):  # a part: it is said before its first chapter
            part = f"{part}\n\n{section.heading}".strip()
            continue
        heading = f"{part}\n\n{section.heading}".strip()
        spoken = f"{_spoken(heading)}\n\n{AFTER_TITLE}\n\n{text}" if heading else text
        full = joined_title(title_of(part), title) or title_of_book
        chapters.append(Chapter(full, spoken, left_out(title)))
        part = ""
    return chapters


def _spoken(heading: str) -> str:
    """A heading in paragraphs, each its own sentence."""
    return "\n\n".join(" ".join(line.split()) for line in heading.splitlines() if line.strip())


def _by_gaps(paragraphs: list[_Paragraph], title: str) -> list[Chapter]:
    """Parts between wide gaps, if all are long; else all in one."""
    parts: list[list[str]] = [[]]
    for paragraph in paragraphs:
        if paragraph.gap >= WIDE and parts[-1]:
            parts.append([])
        if paragraph.text:
            parts[-1].append(paragraph.text)
    parts = [part for part in parts if part]
    if len(parts) < 2 or any(sum(map(len, part)) < LONG_PART for part in parts):
        return [Chapter(title, _join([text for part in parts for text in part]))]
    chapters = []
    for number, part in enumerate(parts, 1):
        first = " ".join(part[0].split())
        titled = len(first) <= LONG_TITLE and len(part) > 1 and not first.endswith((".", ",", '"', "”"))
        body = f"{part[0]}\n\n{AFTER_TITLE}\n\n{_join(part[1:])}" if titled else _join(part)
        chapters.append(Chapter(title_of(part[0]) if titled else f"{title}, part {number}", body))
    return chapters


def _join(paragraphs: list[str]) -> str:
    """Paragraphs as a text; a line of stars is a pause."""
    return "\n\n".join(text if has_words(text) else SCENE_BREAK for text in paragraphs).strip()
