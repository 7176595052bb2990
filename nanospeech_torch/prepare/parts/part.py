"""Preparing one part of the recordings, for a job of an array."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from nanospeech_core.cluster.parts import Part

from ..dataset import BrokenInput, Results, Settings, count_all, read_all
from ..durations import AlignerSource
from ..folder import Position
from ..recording import Recording, Remark
from ..report import Tally, counted, format_hours, hours, make_report, reasons_table
from ..sources.dealing import Deal
from ..sources.fingerprints import fingerprints
from ..sources.inputs import Input, check_inputs, find_inputs
from ..utterance import Prepared, Rejected
from ..workers import prepare_all
from .folder import PartFolder
from .packs import read_pack, write_pack


def prepare_part(
    settings: Settings,
    output: str | Path,
    part: Part,
    workers: int = 1,
    aligner: AlignerSource | None = None,
    note: Callable[[str], object] = lambda message: None,
    engine: str = "processes",
) -> Tally:
    """Prepare a part of all sources, or the rest of it after an interrupted run.

    What became of the recordings is kept in OUTPUT/parts. `join` makes the shards from all parts. It also
    rejects what was read before, since a part does not know the others.

    Args:
        output, workers, aligner, note, engine: as for `dataset.prepare`.
    Returns:
        the counts of the part.
    Raises:
        UserError: as `dataset.prepare` does; but a part may be empty.
    """
    inputs = find_inputs(settings.sources)
    check_inputs(inputs, settings.columns)
    folder, deal = PartFolder.of(Path(output), part), Deal(inputs, part)
    with folder.locked():
        arguments = {
            **asdict(settings),
            "inputs": fingerprints(inputs, settings.columns, folder.inputs(), deal),
        }
        if folder.begin(arguments):
            note(f"{folder.path} was complete already: nothing was done.")
            return count(folder)
        stream = functools.partial(read_dealt, inputs, columns=settings.columns, deal=deal)
        source = aligner or AlignerSource(settings.aligner)
        write_rest(
            settings,
            folder,
            lambda start: prepare_all(stream(start), settings.recipe, workers, source, engine),
            count_all(inputs),
        )
        tally = count(folder)
        folder.write(arguments, len(folder.packs()), tally.recordings)
    return tally


def write_rest(
    settings: Settings, folder: PartFolder, results_after: Callable[[Position], Results], total: int | None
) -> None:
    """Write the packs that do not exist yet. Raises UserError.

    Args:
        results_after: what follows a position.
        total: recordings of all parts, if known.
    """
    from tqdm import tqdm

    packs = folder.packs()
    start = Position()
    for start, _ in read_pack(packs[-1], audio=False) if packs else ():  # noqa: B007
        pass
    results = results_after(start)
    bar = tqdm(
        total=None if total is None else total // folder.part.count,
        initial=settings.shard_size * len(packs),
        desc=f"part {folder.part}",
        unit=" recordings",
        disable=None,  # shown on a terminal only
    )

    def shown() -> Results:
        for entry in results:
            bar.update()
            yield entry

    number = len(packs)
    with bar, contextlib.closing(results):
        while write_pack(folder.pack(number), shown(), settings.shard_size) is not None:
            number += 1


def read_dealt(
    inputs: list[Input], start: Position, columns: tuple[str, ...], deal: Deal
) -> Iterator[tuple[Position, Recording | Remark | BrokenInput]]:
    """What is a part's of `read_all`. That an input is damaged is everyone's who reads it."""
    for position, found in read_all(inputs, start, columns, deal.reads):
        if isinstance(found, BrokenInput) or deal.has(position.inputs, position.recordings - 1):
            yield position, found


def count(folder: PartFolder) -> Tally:
    """The counts of a part."""
    tally = Tally()
    for _, result in folder.results(audio=False):
        if isinstance(result, Prepared):
            tally.accept(result)
        elif isinstance(result, Rejected):
            tally.reject(result)
        elif isinstance(result, Remark):
            tally.remark(result)
        else:
            tally.damaged.append([result.name, result.error])
    return tally


def summary(part: Part, tally: Tally) -> str:
    """The counts of a part as text."""
    report = make_report(tally, 0)
    return "\n".join(
        [
            f"part {part}: {format_hours(hours(tally.samples))} in {counted(tally.utterances, 'utterance')}",
            f"rejected: {report['rejected']['count']}",
            *reasons_table(report["rejected"]["reasons"]),
            *(f"damaged: {name}: {error}" for name, error in tally.damaged),
        ]
    )
