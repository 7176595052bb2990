"""What the columns of a table are: given, named by a header, or clear from their content. Else: an error."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from nanospeech_core.errors import UserError
from nanospeech_core.system.encodings import open_text
from nanospeech_core.text.languages import find_code

from ..recording import FIELDS, KNOWN, NORMALIZED
from .audio_files import AudioFinder, has_audio_suffix
from .rows import DECLARED, SEPARATORS, Row, read_rows, shorten, split

SAMPLE = 1000  # lines that decide
UNUSED = "-"  # the name of a column that is not used
ALIKE = 0.6  # least mean similarity of a text and its normalized form; LJSpeech has 0.97
COMPARED = 50  # rows


@dataclass(frozen=True)
class Layout:
    """How a table is read."""

    separator: str
    columns: tuple[str, ...]  # those of FIELDS are used
    skipped: int = 0  # lines before the first recording: a declared separator, a header

    def describe(self, name: str) -> str:
        mark = {"\t": "tabs", " ": "the first space"}.get(self.separator, f'"{self.separator}"')
        return f"{name}: columns {', '.join(self.columns)}; separated by {mark}"


def find_layout(path: Path, columns: tuple[str, ...], finder: AudioFinder) -> Layout | None:
    """The layout of a table, from its first lines; None if it is empty.

    Args:
        columns: the names that the user gave, or ().
    Raises:
        UserError: it is not clear what the columns are, or they are others than the user's.
    """
    with open_text(path) as file:
        lines = list(itertools.islice(file, SAMPLE))
    start = next((i for i, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return None
    if declared := DECLARED.fullmatch(lines[start].strip()):
        separator, start = declared[1], start + 1
        if not any(line.strip() for line in lines[start:]):
            return None
    else:
        separator = find_separator(path, lines[start:], finder)
    rows = [row for row in read_rows(lines[start:], separator, row_begins(finder)) if not row.problem]
    if not rows:
        raise UserError(f"{path}: no line has quotes that match: {shorten(lines[start])}")
    width, names, skipped = columns_of_header(path, rows, finder)
    if skipped:
        skipped, rows = start + skipped, rows[1:]
    else:
        skipped, width = start, usual_width(path, rows)
    rows = [row for row in rows if len(row.cells) == width]
    if columns and len(columns) != width:
        raise UserError(
            f"{path} has {width} columns, and --columns names {len(columns)}: name all in their order "
            f'("{UNUSED}" for one that is not used)'
        )
    columns = columns or names or columns_of_content(path, rows, width, finder)
    check_columns(columns, f"{path}" if names else "--columns")
    return Layout(separator, columns, skipped)


def check_columns(columns: Sequence[str], place: str) -> None:
    """Raise UserError if columns leave open what the text, the file or the speaker of a recording is."""
    for field, aliases in FIELDS.items():
        found = [name for name in columns if name in aliases]
        plain = [name for name in found if name not in NORMALIZED]
        if len(plain) > 1 or len(found) - len(plain) > 1:
            raise UserError(
                f"{place}: the columns {', '.join(found)} can all be the {field}: name the columns with "
                f'--columns, in their order, such as {suggest(columns, field)} ("{UNUSED}": not used)'
            )
    for what, fields in (("text", ("text",)), ("audio files (path or id)", ("audio", "id"))):
        if not any(name in FIELDS[field] for name in columns for field in fields):
            raise UserError(f"{place}: no column of {what} among {', '.join(columns)}")


def suggest(columns: Sequence[str], field: str) -> str:
    """The columns with only the first of a field's."""
    known = [name if name in KNOWN else UNUSED for name in columns]
    first = next(i for i, name in enumerate(known) if name in FIELDS[field])
    return ",".join(UNUSED if i > first and name in FIELDS[field] else name for i, name in enumerate(known))


# the separator


def find_separator(path: Path, lines: list[str], finder: AudioFinder) -> str:
    """The character that separates the cells: it makes a header, or names of audio files that exist.

    Raises:
        UserError: none does, or several do.
    """
    first = {mark: next(read_rows(lines[:1], mark), Row(1)).cells for mark in SEPARATORS}
    for mark, cells in first.items():
        if is_header(names_of(cells)):
            return mark
    scores = {mark: named_rows(lines, mark, finder) for mark in (*SEPARATORS, " ")}
    best = max(scores.values())
    found = [mark for mark in SEPARATORS if scores[mark] == best]
    if not best:
        found = [mark for mark in SEPARATORS if len(first[mark]) > 1][:1]
    elif not found:
        return " "
    if len(found) == 1:
        return found[0]
    example = shorten(lines[0])
    if found:
        raise UserError(
            f'{path}: {" and ".join(found)} can both separate its columns ("{example}"): '
            f'make "sep={found[0]}" or "sep={found[1]}" its first line'
        )
    raise UserError(
        f'{path}: a line names no audio file and its text, such as "a1.wav|Hello there." '
        f'(the first one is "{example}")'
    )


def named_rows(lines: list[str], mark: str, finder: AudioFinder) -> int:
    """The number of lines in which this separator makes a cell that is the name of an audio file."""
    if mark == " ":
        rows = [split(line, mark) for line in lines if line.strip()]
        return sum(len(cells) == 2 and bool(finder.find(cells[0])) for cells in rows)
    rows = [row.cells for row in read_rows(lines, mark, row_begins(finder))]
    return sum(len(cells) > 1 and any(map(finder.find, filter(None, cells))) for cells in rows)


class row_begins:  # noqa: N801  (a function with an argument)
    """Whether cells seem to be a row of their own: one of several names an audio file."""

    def __init__(self, finder: AudioFinder):
        self.finder = finder

    def __call__(self, cells: list[str]) -> bool:
        return len(cells) > 1 and any(
            cell and (has_audio_suffix(cell) or self.finder.find(cell)) for cell in cells
        )


# the header


def names_of(cells: list[str]) -> tuple[str, ...]:
    return tuple(re.sub(r"[\s-]+", "_", cell.strip().lower()) if cell != UNUSED else cell for cell in cells)


def is_header(names: tuple[str, ...]) -> bool:
    """Whether there is a column of texts and one of audio files."""
    return any(name in FIELDS["text"] for name in names) and any(
        name in (*FIELDS["audio"], *FIELDS["id"]) for name in names
    )


def columns_of_header(path: Path, rows: list[Row], finder: AudioFinder) -> tuple[int, tuple[str, ...], int]:
    """(number of columns, their names, lines up to the header); (0, (), 0) if there is none.

    Raises:
        UserError: it seems to be one, but does not name what is needed.
    """
    cells = list(rows[0].cells)
    while cells and not cells[-1]:
        cells.pop()
    names = names_of(cells)
    if is_header(names):
        return len(names), tuple(name or UNUSED for name in names), rows[0].line
    if len(names) > 1 and KNOWN & set(names) and all(re.fullmatch(r"[\w() ]{1,30}", name) for name in names):
        if not any(map(finder.find, filter(None, cells))) and len(rows) > 1:
            missing = "text" if not set(names) & set(FIELDS["text"]) else "path or id"
            raise UserError(
                f"{path}: the header ({', '.join(cells)}) names no column {missing!r}: write it there, "
                f'or delete the header and name the columns with --columns ("{UNUSED}": not used)'
            )
    return 0, (), 0


# the content


def usual_width(path: Path, rows: list[Row]) -> int:
    """The number of cells that most rows have. Raises UserError if less than half have it."""
    counts = Counter(len(row.cells) for row in rows)
    width, count = max(counts.items(), key=lambda entry: (entry[1], entry[0]))
    if 2 * count < len(rows) or width < 2:
        raise UserError(
            f"{path}: its lines have {min(counts)} to {max(counts)} cells: separate two or more columns "
            'by tabs or "|", or quote texts that contain the separator'
        )
    return width


def columns_of_content(path: Path, rows: list[Row], width: int, finder: AudioFinder) -> tuple[str, ...]:
    """The columns of a table without a header, if they are file (or id), text, and perhaps one of

        normalized text [, speaker]
        speaker [, language]

    and their content shows it. Raises UserError if it does not.
    """
    values = [[row.cells[i] for row in rows] for i in range(width)]
    named = [sum(bool(cell and finder.find(cell)) for cell in column) for column in values]
    audio = [i for i, count in enumerate(named) if count and 2 * count >= max(named)] or [0]
    name = "path" if any(map(has_audio_suffix, values[audio[0]])) else "id"
    labels = [is_label(column) for column in values]
    columns: list[str] = [name, "text"]
    if audio == [0] and not (labels[1] and len(rows) >= 4):
        if width == 2:
            return (name, "text")
        used = width
        while used > 2 and not any(values[used - 1]):
            used -= 1
        if used > 2 and are_alike(values[1], values[2]):
            columns.append("normalized")
            if used > 3 and labels[3] and not is_language(values[3]):
                columns.append("speaker")
        elif used > 2 and name == "path" and labels[2] and not is_language(values[2]):
            columns.append("speaker")
            if used > 3 and is_language(values[3]):
                columns.append("lang")
        if len(columns) == used:
            return (*columns, *[UNUSED] * (width - used))
    raise UserError(
        f"{path}: it is not clear what its {width} columns are ({' | '.join(map(shorten, rows[0].cells))}): "
        f"name them in their order, such as --columns {','.join(guess(values, audio, name))} "
        f'(also: speaker, lang, normalized; "{UNUSED}": not used)'
    )


def guess(values: list[list[str]], audio: list[int], name: str) -> list[str]:
    """An example of columns for a message. It is never used to read."""
    result = [UNUSED] * len(values)
    result[audio[0]] = name
    rest = [i for i in range(len(values)) if i != audio[0]]
    longest = max(rest, key=lambda i: sum(map(len, values[i])))
    result[longest] = "text"
    for i in rest:
        if i < longest and is_label(values[i]) and not is_language(values[i]):
            result[i] = "speaker"
            break
    return result


def is_label(values: list[str]) -> bool:
    """Whether these are names, such as speakers: short, and on average each is there twice or more."""
    short = all(v and len(v) <= 40 and len(v.split()) <= 3 and v[-1] not in ".?!。？！" for v in values)
    return short and 2 * len(set(values)) <= len(values)


def is_language(values: list[str]) -> bool:
    """Whether these are the names of languages, or empty."""
    return all(not v or find_code(v) or re.fullmatch(r"[a-z]{2,3}[-_][A-Za-z]{2,4}", v) for v in values)


def are_alike(texts: list[str], others: list[str]) -> bool:
    """Whether one column has the same texts as another, written in another way. Empty cells do not count."""
    pairs = [(a.lower(), b.lower()) for a, b in zip(texts, others, strict=True) if a and b]
    pairs = pairs[:: max(1, len(pairs) // COMPARED)]
    if not pairs:
        return False
    return sum(SequenceMatcher(None, a, b).ratio() for a, b in pairs) >= ALIKE * len(pairs)
