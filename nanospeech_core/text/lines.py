"""Which lines of a paragraph end where the writer wanted, and which only where the page was full."""

from __future__ import annotations

NARROW = 60  # characters of the longest line of a poem, an address, a list without marks
COUPLET = 40  # the same for two lines
_MARKS = tuple(",;:.!?…—，；：。！？、")


def separate_lines(lines: list[str]) -> list[int]:
    """The numbers of the lines of a paragraph that end a sentence: of letters, poems, addresses, lists.

    Prose is wrapped where the next word does not fit. So a line ends a sentence if the first word of
    the next line would have fitted, or if all lines are short and all begin with a capital.
    """
    width = max(map(len, lines))
    fits = [
        len(line) + 1 + len((following.split() or [""])[0]) <= width
        for line, following in zip(lines, lines[1:], strict=False)
    ]
    capital = [not _begins_small(line) for line in lines]
    if len(lines) > 2 and width <= NARROW and (all(capital) or 2 * sum(fits) >= len(fits)):
        return list(range(len(fits)))
    couplet = len(lines) == 2 and width <= COUPLET
    return [
        i for i, fit in enumerate(fits) if lines[i].endswith(_MARKS) and capital[i + 1] and (fit or couplet)
    ]


def _begins_small(line: str) -> bool:
    return next((character.islower() for character in line if character.isalnum()), False)
