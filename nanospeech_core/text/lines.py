"""Which lines of a paragraph end where the writer wanted, and which only where the page was full."""

from __future__ import annotations

import re

from .characters import is_han

NARROW = 60  # characters of the longest line of a poem, an address, a list without marks
TINY, TINY_CAPITALS = 20, 32  # of lines of two words; of lines that all begin with capitals
COUPLET = 40  # characters of the longer one of two lines that belong to a poem
SHORT = 0.6  # of the longest line: what is shorter is a heading or an end
_MARKS = tuple(",;:.!?…—，；：。！？、")


def separate_lines(lines: list[str]) -> list[int]:
    """The numbers of the lines of a paragraph that end a sentence: of letters, poems, addresses, lists.

    Prose is wrapped where the next word does not fit. So a line ends a sentence if the first word of
    the next line would have fitted, and the line has a mark, is short, or is one of a list. The lines of
    a poem begin with capitals, and most end with marks.
    """
    width = max(map(len, lines))
    fits = [
        len(line) + 1 + _first_word(following) <= width
        for line, following in zip(lines, lines[1:], strict=False)
    ]
    capital = [not _begins_small(line) for line in lines]
    marked = [line.endswith(_MARKS) for line in lines]
    rows = any(" | " in line for line in lines)
    poem = all(capital) and width <= NARROW and 2 * sum(marked[:-1]) > len(fits)
    listed = width <= NARROW and 2 * sum(fits) >= len(fits) and not _has_prose(lines)
    words = max(len(line.split()) for line in lines)
    titles = all(line[:1].isupper() or line[:1].isdigit() for line in lines)
    tiny = (width <= TINY and words <= 2 and lines[0].isascii()) or (
        titles and width <= TINY_CAPITALS and not _has_prose(lines)
    )
    if rows or (len(lines) > 2 and (poem or listed or tiny)):
        return list(range(len(fits)))
    couplet = len(lines) == 2 and width <= COUPLET
    return [
        i
        for i, fit in enumerate(fits)
        if capital[i + 1]
        and ((fit and (marked[i] or len(lines[i]) <= SHORT * width)) or (couplet and marked[i]))
    ]


def _has_prose(lines: list[str]) -> bool:
    """Whether a sentence ends inside a line but the last."""
    return any(re.search(r"[^\W\d_]{3}[.!?] ", line) for line in lines[:-1])


def _first_word(line: str) -> int:
    """The length of the first word of a line; a Chinese character is a word."""
    if line and is_han(line[0]):
        return 1
    return len((line.split() or [""])[0])


def _begins_small(line: str) -> bool:
    return next((character.islower() for character in line if character.isalnum()), False)
