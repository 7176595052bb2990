"""Lists of recordings: tables (metadata.csv of LJSpeech and others), JSONL, Hugging Face `datasets`."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from nanospeech_core.errors import UserError
from nanospeech_core.system.encodings import open_text

from ..training.data.shards import AUDIO_SUFFIXES, FOREIGN_SUFFIXES, parse
from .recording import FIELDS, Damaged, Recording, canonical, first, one_line

DATASET = "hf-dataset:"
# The columns of a table without a header, if its first cell is a file name, or else an id.
FILE_COLUMNS = ("path", "text", "speaker", "lang")
LJSPEECH_COLUMNS = ("id", "text", "normalized", "speaker")
KNOWN = frozenset(itertools.chain(*FIELDS.values()))
SUFFIXES = (".wav", ".flac", ".mp3", ".opus", ".ogg", *sorted(AUDIO_SUFFIXES | FOREIGN_SUFFIXES))


def table_recordings(path: Path, columns: tuple[str, ...] = ()) -> Iterator[Recording]:
    """The rows of a table, separated by "|" (LJSpeech, no quotes), tabs, or commas (CSV, with a header).

    The columns are `columns`, else those of the header (a first line that has only names of FIELDS), else
    they depend on the first row: `path|text|speaker|lang` if its first cell has the suffix of an audio file,
    otherwise LJSpeech's `id|text|normalized text` and perhaps a speaker. Missing cells at the end are empty.
    Audio is searched beside the table and in wavs/, with and without a suffix. The recordings of a table
    without speakers are one voice, named after the folder.
    """
    with open_text(path) as file:
        rows = read_rows(file)
        head = next(rows, None)
        if head is None:
            return
        names = tuple(cell.strip().lower().replace(" ", "_") for cell in head)
        if len(names) > 1 and all(name in KNOWN for name in names):
            columns = columns or names
        else:
            rows = itertools.chain([head], rows)
            if not columns:
                named = PurePosixPath(head[0].strip()).suffix.lower() in SUFFIXES
                columns = (FILE_COLUMNS if named else LJSPEECH_COLUMNS)[: len(head)]
        finder = AudioFinder(path.parent)
        one_voice = not any(name in FIELDS["voice"] for name in columns)
        for number, row in enumerate(rows, 1):
            if len(row) < 2 or not row[0].strip():
                yield Recording(f"{path.name}:{number}", problem="a broken line")
                continue
            meta = {name: cell.strip() for name, cell in zip(columns, row, strict=False)}
            recording = finder.recording(meta, f"{path.name}:{number}")
            if one_voice:
                recording.meta["voice"] = path.resolve().parent.name
            yield recording


def read_rows(file: IO[str]) -> Iterator[list[str]]:
    """The cells of the lines that are not empty."""
    head = next((line for line in file if line.strip()), "")
    lines = itertools.chain([head] if head else [], file)
    mark = next((mark for mark in "|\t" if mark in head), ",")
    if mark == ",":
        yield from (row for row in csv.reader(lines) if row)
    else:
        yield from (line.rstrip("\r\n").split(mark) for line in lines if line.strip())


def list_recordings(path: Path) -> Iterator[Recording]:
    """The lines of a JSONL file: {"audio" or "path", "text", ...}; paths are relative to its folder."""
    finder = AudioFinder(path.parent)
    with open_text(path, newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                meta = parse(line)
                name = f"{path.name}:{number}"
                yield (
                    Recording(name, problem="a broken line") if meta is None else finder.recording(meta, name)
                )


class AudioFinder:
    """Finds the audio files that a table or list in `folder` names. It first tries where the last one was."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.last_place: tuple[str, str] = ("", "")  # (folder, suffix)

    def recording(self, meta: dict, place: str) -> Recording:
        """The recording of a line. `place` is its id if the line has none."""
        named = first(meta, "audio") or first(meta, "id")
        if not named:
            return Recording(place, problem="no path of audio")
        path = self.find(named)
        known = PurePosixPath(named).suffix.lower() in SUFFIXES
        id = first(meta, "id") or (named[: named.rindex(".")] if known else named)
        if path is None:
            return Recording(id, problem="no audio file", detail=named)
        return Recording(id, str(path), {**canonical(meta), "suffix": path.suffix.lower()})

    def find(self, named: str) -> Path | None:
        """The file of a name, or None."""
        tries = itertools.product(("", "wavs"), ("", *SUFFIXES))
        for folder, suffix in itertools.chain([self.last_place], tries):
            path = self.folder / folder / (named + suffix)
            try:
                if path.is_file():
                    self.last_place = (folder, suffix)
                    return path
            except (OSError, ValueError):  # a name that no file can have
                return None
        return None


def dataset_recordings(source: str, skip: int) -> Iterator[Recording]:
    """The rows of hf-dataset:NAME[:CONFIG[:SPLIT]] (default: "train"), streamed; audio is not decoded.

    Raises:
        Damaged: the stream ended with an error.
        UserError: the library is missing, there is no such data set, or it has no audio.
    """
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"{source} needs the library datasets: pip install datasets") from error
    name, config, split = [*source.removeprefix(DATASET).split(":"), "", ""][:3]
    try:
        data = datasets.load_dataset(name, config or None, split=split or "train", streaming=True)
        features = data.features or {}
        audio = next((c for c, kind in features.items() if isinstance(kind, datasets.Audio)), None)
        if audio is not None:
            data = data.cast_column(audio, datasets.Audio(decode=False))
        elif features:
            raise UserError(f"{source} has no column of audio, only {', '.join(features)}")
        rows = iter(data.skip(skip))
    except UserError:
        raise
    except Exception as error:  # the library raises many kinds, some of them without a network
        raise UserError(f"cannot open {source}: {one_line(error)}") from error
    number = skip
    while True:
        try:
            row = next(rows, None)
        except ImportError as error:
            raise UserError(f"cannot read {source}: {one_line(error)}") from error
        except Exception as error:
            raise Damaged(one_line(error)) from error
        if row is None:
            return
        yield dataset_recording(row, row.get(audio or "audio"), f"{split or 'train'}-{number:08d}")
        number += 1


def dataset_recording(row: dict, audio: object, place: str) -> Recording:
    """The recording of a row. `audio` is {"bytes", "path"}; one of the two may be None."""
    if not isinstance(audio, dict) or not (audio.get("bytes") or audio.get("path")):
        return Recording(first(row, "id") or place, problem="no audio")
    path = PurePosixPath(audio.get("path") or "")
    meta = {key: value for key, value in row.items() if key not in FIELDS["audio"]}
    content = audio.get("bytes") or audio["path"]
    id = first(row, "id") or path.stem or place
    return Recording(id, content, {**canonical(meta), "suffix": path.suffix.lower()})
