"""The sources of recordings: shards, folders, tables, lists and Hugging Face data sets."""

from __future__ import annotations

import csv
import glob
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nanospeech_core.errors import UserError

from ..training.data.shards import kind_of
from .lists import DATASET, dataset_recordings, list_recordings, table_recordings
from .recording import Damaged, Recording, one_line
from .streams import pair_recordings, tar_recordings

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
LIST_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Input:
    """One file, folder or data set, to be read from its start to its end."""

    kind: str  # "tar", "pairs", "table", "list" or "dataset"
    location: str
    size: int | None = None  # bytes of a local file: another size means other data

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

    A source is a file, a folder, a glob pattern, an address with "://", or hf-dataset:NAME[:CONFIG[:SPLIT]];
    {000..123} expands. An input named twice is read once.

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
                    raise UserError(f"{pattern} does not exist")
                inputs += [found for path in paths for found in local_inputs(Path(path))]
    return list(dict.fromkeys(inputs))


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
            if (path / "metadata.csv").is_file():
                return local_inputs(path / "metadata.csv")
            shards = sorted(p for p in path.iterdir() if p.name.endswith(TAR_SUFFIXES) and p.is_file())
            shards = [p for p in shards if not p.name.startswith(".")]
            if shards:
                return [Input("tar", str(p), p.stat().st_size) for p in shards]
            if any(kind_of(p.name) == "json" for p in path.iterdir()):
                return [Input("pairs", str(path))]
            raise UserError(f"{path} contains no metadata.csv, no .tar shards, and no .json beside audio")
        size = path.stat().st_size
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    name = path.name.lower()
    for kind, suffixes in (("tar", TAR_SUFFIXES), ("table", TABLE_SUFFIXES), ("list", LIST_SUFFIXES)):
        if name.endswith(suffixes):
            return [Input(kind, str(path), size)]
    raise UserError(f"{path} is not a shard (.tar), a table (.csv) or a list (.jsonl)")


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


def read_recordings(source: Input, skip: int = 0, columns: tuple[str, ...] = ()) -> Iterator[Recording]:
    """The recordings of an input after the first `skip`, always in the same order.

    Args:
        columns: of tables (see `table_recordings`).
    Raises:
        Damaged: the rest cannot be read. What came before is complete.
        UserError: a library is missing, or there is no such data set.
    """
    if source.kind == "tar":
        yield from tar_recordings(source.location, skip)
    elif source.kind == "dataset":
        yield from dataset_recordings(source.location, skip)
    else:
        path = Path(source.location)
        try:
            if source.kind == "pairs":
                recordings = pair_recordings(path)
            elif source.kind == "table":
                recordings = table_recordings(path, columns)
            else:
                recordings = list_recordings(path)
            yield from itertools.islice(recordings, skip, None)
        except OSError as error:
            raise Damaged(f"{error.filename or path}: {error.strerror or error}") from error
        except csv.Error as error:
            raise Damaged(str(error)) from error


def count_recordings(source: Input) -> int | None:
    """About how many recordings an input has, if that is cheap to find out; else None."""
    try:
        if source.kind in ("table", "list"):
            with open(source.location, "rb") as file:
                return sum(1 for _ in file)
        if source.kind == "pairs":
            return sum(kind_of(path.name) == "json" for path in Path(source.location).iterdir())
    except OSError:
        pass  # reading it will raise a clear error
    return None
