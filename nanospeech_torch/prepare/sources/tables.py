"""Tables of recordings: metadata.csv of LJSpeech, Common Voice's TSV, spreadsheets, transcripts.txt."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nanospeech_core.system.encodings import open_text

from ..recording import FIELDS, KNOWN, Recording, Remark
from .audio_files import AudioFinder
from .columns import Layout, find_layout, row_begins
from .rows import Row, read_rows


def check_table(path: Path, columns: tuple[str, ...] = ()) -> None:
    """Raise UserError if it is not clear how to read a table."""
    find_layout(path, columns, AudioFinder(path.parent))


def table_recordings(path: Path, columns: tuple[str, ...] = ()) -> Iterator[Recording | Remark]:
    """The rows of a table, separated by "|", tabs, semicolons or commas, with or without a header.

    The columns are `columns`, else those of the header, else what their content shows (see `columns.py`).
    Audio is searched beside the table and in wavs/, clips/, wav/ and audio/, with and without a suffix. The
    recordings of a table without speakers are one voice, named after the folder. A row with a missing or an
    additional cell is not used: its text may be cut there.

    Raises:
        UserError: it is not clear what the columns are.
    """
    finder = AudioFinder(path.parent)
    layout = find_layout(path, columns, finder)
    if layout is None:
        return
    yield Remark(layout.describe(path.name))
    folder = path.resolve().parent.name
    one_voice = not any(name in FIELDS["voice"] for name in layout.columns)
    with open_text(path) as file:
        lines = itertools.chain([""] * layout.skipped, itertools.islice(file, layout.skipped, None))
        for row in read_rows(lines, layout.separator, row_begins(finder)):
            recording = row_recording(row, layout, finder, f"{path.name}:{row.line}")
            yield replace(recording, default_voice=folder) if one_voice else recording
    yield from finder.rest(path.name)


def row_recording(row: Row, layout: Layout, finder: AudioFinder, place: str) -> Recording:
    """The recording of a row."""
    if row.problem:
        return Recording(place, problem=row.problem, detail=row.detail)
    cells, width = row.cells, len(layout.columns)
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    if len(cells) != width:
        problem = f"a line with {'fewer' if len(cells) < width else 'more'} cells than columns"
        return Recording(place, problem=problem, detail=f"{len(cells)} cells, {width} columns")
    meta = dict(zip(layout.columns, cells, strict=True))
    used = {name: cell for name, cell in meta.items() if name in KNOWN or name in ("phonemes", "source")}
    unused = tuple(
        f"column {number} ({name})"
        for number, (name, cell) in enumerate(zip(layout.columns, cells, strict=True), 1)
        if name not in used and cell
    )
    return finder.recording(used, place, unused)
