"""The sources of recordings: shards, folders, tables, lists and Hugging Face data sets."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import not_found

from ..recording import Damaged, Recording, Remark, one_line
from .audio_files import has_audio_suffix
from .hugging_face import DATASET, dataset_recordings
from .lists import list_recordings
from .pairs import has_pairs, pair_recordings, part_of
from .shards import tar_recordings
from .tables import check_table, table_recordings

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
LIST_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Input:
    """One file, folder or data set, to be read from its start to its end."""

    kind: str  # "tar", "pairs", "table", "list" or "dataset"
    location: str

    @property
    def name(self) -> str:
        """The name for messages and for the json's `source`, without the folders of this machine."""
        if self.kind == "dataset":
            return self.location.removeprefix(DATASET)
        path = PurePosixPath(self.location)
        return path.parent.name if path.name == "metadata.csv" and path.parent.name else path.name


# what a source is


def find_inputs(sources: tuple[str, ...] | list[str]) -> list[Input]:
    """The inputs of a command line's sources, in order; those of a pattern are sorted.

    A source is a file, a folder, a glob pattern, an address with "://", or
    hf-dataset:NAME[@REVISION][:CONFIG[:SPLIT]]; {000..123} expands. An input named twice is read once.

    Raises:
        UserError: a source does not exist, or is of no known kind.
    """
    inputs: list[Input] = []
    for source in sources:
        if source.startswith(DATASET):
            inputs.append(Input("dataset", source))
            continue
        for pattern in expand_braces(source):
            if "://" in pattern:
                inputs += [Input("tar", address) for address in remote_addresses(pattern)]
            else:
                paths = [pattern] if Path(pattern).exists() else sorted(glob.glob(pattern))
                if not paths:
                    raise UserError(not_found(pattern) + unquoted(sources))
                inputs += [found for path in paths for found in local_inputs(Path(path))]
    return list(dict.fromkeys(inputs))


def unquoted(sources: tuple[str, ...] | list[str]) -> str:
    """What to do if a shell has split a path at its spaces, for messages; else ""."""
    whole = " ".join(sources)
    if len(sources) > 1 and Path(whole).exists():
        return f'; put a path with spaces in quotation marks: "{whole}"'
    return ""


def expand_braces(pattern: str) -> list[str]:
    """ "a-{008..010}.tar" -> "a-008.tar", "a-009.tar", "a-010.tar", as shells and WebDataset do."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not match:
        return [pattern]
    low, high = match[1], match[2]
    numbers = [str(n).zfill(len(low)) for n in range(int(low), int(high) + 1)]
    before, after = pattern[: match.start()], pattern[match.end() :]
    return [before + n + rest for n in numbers for rest in expand_braces(after)]


def local_inputs(path: Path) -> list[Input]:
    """The inputs at a path. Raises UserError if it is of no known kind, or cannot be read."""
    try:
        if path.is_dir():
            return folder_inputs(path)
        path.stat()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    name = path.name.lower()
    for kind, suffixes in (("tar", TAR_SUFFIXES), ("table", TABLE_SUFFIXES), ("list", LIST_SUFFIXES)):
        if name.endswith(suffixes):
            return [Input(kind, str(path))]
    if name.endswith((".xlsx", ".xls", ".ods", ".numbers")):
        raise UserError(f"{path} is a spreadsheet: save it as CSV (UTF-8) there")
    raise UserError(f"{path} is not a shard (.tar), a table (.csv, .tsv, .txt) or a list (.jsonl)")


def folder_inputs(path: Path) -> list[Input]:
    """The inputs of a folder: its metadata.csv, or its shards, or pairs of files, or its only table.

    Raises:
        OSError: it cannot be read.
        UserError: it has none of these, or several tables.
    """
    if (path / "metadata.csv").is_file():
        return local_inputs(path / "metadata.csv")
    files = sorted(p for p in path.iterdir() if not p.name.startswith(".") and p.is_file())
    shards = [p for p in files if p.name.endswith(TAR_SUFFIXES)]
    if shards:
        return [Input("tar", str(p)) for p in shards]
    if has_pairs(path):
        return [Input("pairs", str(path))]
    tables = [p for p in files if p.name.lower().endswith(TABLE_SUFFIXES + LIST_SUFFIXES)]
    tables = [p for p in tables if not re.match(r"readme|licen[sc]e", p.name, re.IGNORECASE)] or tables
    if len(tables) == 1:
        return local_inputs(tables[0])
    if tables:
        names = ", ".join(p.name for p in tables[:5])
        raise UserError(
            f"{path} has several tables ({names}): name the one to read, such as {tables[0]}, "
            "or give each text the name of its audio file: a1.txt for a1.wav"
        )
    audio = sum(has_audio_suffix(p.name) for p in files)
    inside = sum(p.is_dir() for p in path.iterdir())
    raise UserError(
        f"{path} ({audio} audio files, {inside} folders) contains no metadata.csv, no .tar shards, "
        "and no .json or .txt beside audio: put the text of a1.wav into a1.txt, or write lines such as "
        f'"a1.wav|Hello there." into {path / "metadata.csv"}'
    )


def id_prefixes(inputs: list[Input]) -> list[str]:
    """What the ids of each input begin with: tables in several folders may all name a 001.wav.

    It is "ann/" and "bob/" of recordings/ann/metadata.csv and recordings/bob/metadata.csv. Shards and data
    sets have ids of their own.
    """
    folders = [
        os.path.abspath(found.location if found.kind == "pairs" else os.path.dirname(found.location))
        if found.kind in ("table", "list", "pairs")
        else ""
        for found in inputs
    ]
    different = sorted({folder for folder in folders if folder})
    if len(different) < 2:
        return [""] * len(inputs)
    common = os.path.commonpath(different)
    return [
        "" if folder in ("", common) else f"{PurePath(os.path.relpath(folder, common)).as_posix()}/"
        for folder in folders
    ]


def remote_addresses(pattern: str) -> list[str]:
    """The addresses that match a pattern with *, if the file system can list; else the address itself."""
    protocol = pattern.partition("://")[0]
    if not re.search(r"[*?\[]", pattern) or protocol in ("http", "https"):  # there "?" begins a query
        return [pattern]
    with remote_errors(pattern):
        import fsspec

        files, path = fsspec.core.url_to_fs(pattern)
        found = [files.unstrip_protocol(name) for name in sorted(files.glob(path))]
    if not found:
        raise UserError(f"{pattern} does not exist")
    return found


@contextmanager
def remote_errors(address: str) -> Iterator[None]:
    """Turn any error of opening an address into a UserError: every file system has its own errors."""
    try:
        yield
    except ImportError as error:  # fsspec's own message says what to install
        raise UserError(f"cannot read {address}: {error}") from error
    except Exception as error:
        raise UserError(f"cannot read {address}: {one_line(error)}") from error


def check_inputs(inputs: list[Input], columns: tuple[str, ...] = ()) -> None:
    """Raise UserError if it is not clear how to read an input, before any is read."""
    for found in inputs:
        if found.kind == "table":
            with readable(found):
                check_table(Path(found.location), columns)


@contextmanager
def readable(found: Input) -> Iterator[None]:
    """Turn OSError into UserError."""
    try:
        yield
    except OSError as error:
        path = error.filename or found.location
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def read_recordings(
    source: Input, skip: int = 0, columns: tuple[str, ...] = ()
) -> Iterator[Recording | Remark]:
    """The recordings of an input, and remarks, after the first `skip` of both, always in the same order.

    Args:
        columns: of tables (see `table_recordings`).
    Raises:
        Damaged: the rest cannot be read. What came before is complete.
        UserError: a library is missing, there is no such data set, or a table is not clear.
    """
    if source.kind == "tar":
        yield from tar_recordings(source.location, skip)
    elif source.kind == "dataset":
        yield from dataset_recordings(source.location, skip)
    else:
        path = Path(source.location)
        try:
            recordings: Iterator[Recording | Remark]
            if source.kind == "pairs":
                recordings = pair_recordings(path)
            elif source.kind == "table":
                recordings = table_recordings(path, columns)
            else:
                recordings = list_recordings(path)
            yield from itertools.islice(recordings, skip, None)
        except OSError as error:
            raise Damaged(f"{error.filename or path}: {error.strerror or error}") from error


def count_recordings(source: Input) -> int | None:
    """About how many recordings an input has, if that is cheap to find out; else None."""
    try:
        if source.kind in ("table", "list"):
            with open(source.location, "rb") as file:
                return sum(1 for _ in file)
        if source.kind == "pairs":
            return sum(part_of(path.name) == "audio" for path in Path(source.location).iterdir())
    except OSError:
        pass  # reading it will raise a clear error
    return None
