"""Preparing a data set: recordings of any source -> shards to train on, in parallel and resumable."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import tarfile
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from nanospeech_core.system.files import replacing

from ..training.data.shards import forget_members
from .durations import AlignerSource
from .folder import Folder, Position
from .recording import Damaged, Recording, Remark
from .report import Tally
from .sources.fingerprints import fingerprints
from .sources.inputs import Input, check_inputs, count_recordings, find_inputs, id_prefixes, read_recordings
from .utterance import Prepared, Recipe, Rejected, Utterance
from .workers import prepare_all


@dataclass(frozen=True)
class Settings:
    """Everything that the result depends on, except the sources' content."""

    sources: tuple[str, ...]
    recipe: Recipe = field(default_factory=Recipe)
    name: str = "data"
    shard_size: int = 1000
    columns: tuple[str, ...] = ()
    aligner: str | None = None


@dataclass(frozen=True)
class BrokenInput:
    """In the stream of recordings: an input that cannot be read further."""

    name: str
    error: str


# What is written and counted, in order, with the position after it.
Results = Generator[tuple[Position, Prepared | Rejected | Remark | BrokenInput], None, None]


def prepare(
    settings: Settings,
    output: str | Path,
    workers: int = 1,
    aligner: AlignerSource | None = None,
    note: Callable[[str], object] = lambda message: None,
    engine: str = "processes",
) -> dict:
    """Prepare all sources, or the rest of them after an interrupted run.

    Args:
        output: the folder of the shards.
        workers: processes; 0: this process does the work.
        aligner: replaces the one that the settings name.
        note: called with what a user should know beside the report.
        engine: see `prepare_all`. The result is the same.
    Returns:
        the report, the content of report.json (see `report.make_report`).
    Raises:
        UserError: a source cannot be found, the columns of a table are not clear, the folder was prepared
            differently or cannot be written, there is no aligner, or no recording can be used.
    """
    inputs = find_inputs(settings.sources)
    check_inputs(inputs, settings.columns)
    folder = Folder(Path(output), settings.name)
    with folder.locked():
        entries = fingerprints(inputs, settings.columns, folder.inputs())
        folder.begin({**asdict(settings), "inputs": entries})
        report = folder.finished()
        if report is None:
            source = aligner or AlignerSource(settings.aligner)

            def results(start: Position) -> Results:
                stream = read_all(inputs, start, settings.columns)
                return prepare_all(stream, settings.recipe, workers, source, engine)

            report = write_all(settings, folder, results, count_all(inputs))
        else:
            note(f"{output} was complete already: nothing was done. Its report:")
    return report


def count_all(inputs: list[Input]) -> int | None:
    """About how many recordings there are, if that is cheap to find out; else None."""
    counts = [count_recordings(found) for found in inputs]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def write_all(
    settings: Settings, folder: Folder, results: Callable[[Position], Results], total: int | None
) -> dict:
    """Write the shards that do not exist yet, and the report, which is returned.

    Args:
        results: what follows a position.
        total: recordings, if known.
    Raises:
        UserError: a file cannot be written (earlier shards stay), there is no aligner, or no recording can be
            used.
    """
    tally, shards = write_shards(settings, folder, results, total)
    report = folder.finish(tally, shards)
    for name, error in tally.damaged:
        warnings.warn(f"{name} is damaged, and the rest of it is skipped: {error}", stacklevel=3)
    return report


def read_all(
    inputs: list[Input],
    start: Position,
    columns: tuple[str, ...],
    reads: Callable[[int], bool] = lambda number: True,
) -> Iterator[tuple[Position, Recording | Remark | BrokenInput]]:
    """(position after it, recording, remark or BrokenInput), of the inputs from `start` on that are read."""
    prefixes = id_prefixes(inputs)
    for number in range(start.inputs, len(inputs)):
        if not reads(number):
            continue
        found = inputs[number]
        count = start.recordings if number == start.inputs else 0
        try:
            for recording in read_recordings(found, count, columns):
                count += 1
                if isinstance(recording, Remark):
                    yield Position(number, count), recording
                    continue
                meta = {**recording.meta, "source": recording.meta.get("source") or found.name}
                id = prefixes[number] + recording.id
                yield Position(number, count), replace(recording, id=id, meta=meta)
        except Damaged as error:
            yield Position(number + 1, 0), BrokenInput(found.location, str(error))


def write_shards(
    settings: Settings, folder: Folder, results_after: Callable[[Position], Results], total: int | None
) -> tuple[Tally, int]:
    """Write the shards that do not exist yet; returns the counts of all shards, and how many there are.

    The arguments and errors are those of `write_all`.
    """
    from tqdm import tqdm

    tally, number, shards, position = Tally(), 0, 0, Position()
    seen = Seen()
    for number, (position, ids, sounds, part) in enumerate(folder.progress(), 1):  # noqa: B007
        tally.merge(part)
        shards += bool(part.utterances)
        seen.ids.update(map(fingerprint, ids))
        seen.sounds.update(sounds)
    results = results_after(position)
    bar = tqdm(
        total=total,
        initial=tally.recordings,
        unit=" recordings",
        disable=None,  # shown on a terminal only
    )
    with bar, contextlib.closing(results):
        while shard := write_shard(folder.shard(number), results, settings.shard_size, seen, bar.update):
            folder.write_progress(number, shard.next, shard.ids, shard.sounds, shard.tally)
            tally.merge(shard.tally)
            shards += bool(shard.tally.utterances)
            bar.set_postfix(shards=shards, rejected=len(tally.rejected), damaged=len(tally.damaged))
            number += 1
    return tally, shards


@dataclass
class Seen:
    """What was read before: fingerprints of ids, and hashes of recordings."""

    ids: set[int] = field(default_factory=set)
    sounds: set[int] = field(default_factory=set)

    def check(self, found: Prepared) -> Prepared | Rejected:
        """Add a recording. One that was read before is rejected: it would count twice, or be held out too."""
        marks = {fingerprint(utterance.id) for utterance in found.utterances}
        if not marks.isdisjoint(self.ids):
            return Rejected(found.id, "an id that was read before")
        if found.sound in self.sounds:
            return Rejected(found.id, "a copy of an earlier recording")
        self.ids |= marks
        self.sounds.add(found.sound)
        return found


@dataclass
class Shard:
    """What was read for one shard: everything after the previous shard, up to its last utterance."""

    next: Position = field(default_factory=Position)
    ids: list[str] = field(default_factory=list)
    sounds: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def write_shard(
    path: Path,
    results: Results,
    size: int,
    seen: Seen,
    update: Callable[[], object],
) -> Shard | None:
    """Write a shard of `size` utterances, or of all that are left; None if no result is left.

    A recording that is split is not divided between shards. If all remaining recordings are rejected, no
    file is written.
    """
    shard, read, tar = Shard(), False, None
    with contextlib.ExitStack() as stack:
        for shard.next, result in results:
            read = True
            if isinstance(result, BrokenInput):
                shard.tally.damaged.append([result.name, result.error])
                continue
            if isinstance(result, Remark):
                shard.tally.remark(result)
                continue
            update()
            if isinstance(result, Prepared):
                result = seen.check(result)
            if isinstance(result, Rejected):
                shard.tally.reject(result)
                continue
            if tar is None:
                temporary = stack.enter_context(replacing(path))
                tar = stack.enter_context(tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT))
            for utterance in result.utterances:
                add_utterance(tar, utterance)
                shard.ids.append(utterance.id)
            shard.sounds.append(result.sound)
            shard.tally.accept(result)
            if shard.tally.utterances >= size:
                break
    return shard if read else None


def add_utterance(tar: tarfile.TarFile, utterance: Utterance) -> None:
    """Write the audio and the json of an utterance."""
    suffix = "flac" if utterance.audio[:4] == b"fLaC" else "opus"
    text = json.dumps(utterance.meta, ensure_ascii=False)
    add_member(tar, f"{member_name(utterance.id)}.{suffix}", utterance.audio)
    add_member(tar, f"{member_name(utterance.id)}.json", text.encode("utf-8", "backslashreplace"))
    forget_members(tar)


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)  # without time and owner: the same content gives the same bytes
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def member_name(id: str) -> str:
    """An id as the name of a tar's member without its suffix. Dots are escaped: they would end the key."""
    return re.sub(r"[%.:\\\x00-\x1f]", lambda found: f"%{ord(found[0]):02X}", id.strip("/")) or "%"


def fingerprint(id: str) -> int:
    """A 64-bit hash of a member's name, so that the ids of millions of utterances fit into memory."""
    name = member_name(id).encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")
