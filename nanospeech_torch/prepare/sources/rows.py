"""The rows of a table, strictly: a line that cannot be read with certainty is a row with a problem.

Commas and semicolons separate cells that may be quoted (RFC 4180, by the module csv). Bars and tabs separate
cells without quotes, as in LJSpeech, whose texts have quotes of their own.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

SEPARATORS = ("|", "\t", ";", ",")
QUOTED = (";", ",")
MAX_LINES = 50  # of one row: a quote that is never closed must not read a whole table
DECLARED = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's first line


@dataclass(frozen=True)
class Row:
    """A line, or several if a quoted cell has line breaks."""

    line: int  # the number of its first line, from 1
    cells: list[str] = field(default_factory=list)  # without white space around them
    problem: str = ""
    detail: str = ""


def read_rows(
    lines: Iterable[str], separator: str, begins_row: Callable[[list[str]], bool] = lambda cells: False
) -> Iterator[Row]:
    """The rows that are not empty. Whatever a broken row does to the following lines, they are read too.

    Args:
        separator: one of SEPARATORS or a declared character; " ": the first white space.
        begins_row: whether these cells are a row of their own. A quoted cell that seems to contain such a
            line was not closed.
    """
    numbered = iter(enumerate(lines, 1))
    waiting: deque[tuple[int, str]] = deque()
    while found := waiting.popleft() if waiting else next(numbered, None):
        number, line = found
        if not line.strip():
            continue
        if separator not in QUOTED:
            yield Row(number, split(line, separator))
            continue
        taken = [line]
        following = itertools.chain(list(waiting), keep(numbered, waiting))
        while True:
            row = parse(number, taken, separator)
            if row is not None:
                break
            more = next(following, None) if len(taken) < MAX_LINES else None
            if more is None or begins_row(split(more[1], separator)):
                row = Row(number, problem="a quote that is not closed", detail=shorten(line))
                break
            taken.append(more[1])
        if not row.problem:
            for _ in taken[1:]:
                waiting.popleft()
        yield row


def keep(source: Iterator[tuple[int, str]], waiting: deque[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Pass on what is read, and remember it."""
    for found in source:
        waiting.append(found)
        yield found


def parse(number: int, lines: list[str], separator: str) -> Row | None:
    """The row that these lines are; None if a quote is still open at their end."""
    try:
        reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
        cells = [cell.strip() for cell in next(reader)]
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None
        problem = "broken quotes" if "expected after" in str(error) else "a broken line"
        return Row(number, problem=problem, detail=f"{shorten(lines[0])}: {error}")
    return Row(number, cells)


def split(line: str, separator: str) -> list[str]:
    """The cells of a line without quotes around separators."""
    if separator == " ":
        return line.split(None, 1)
    return [unquote(cell.strip()) for cell in line.rstrip("\r\n").split(separator)]


def unquote(cell: str) -> str:
    """A cell without the quotes that a program put around it: all quotes inside are then doubled."""
    inner = cell[1:-1]
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"')
    return cell


def shorten(line: str, length: int = 60) -> str:
    line = " ".join(line.split())
    return line if len(line) <= length else line[: length - 3] + "..."
