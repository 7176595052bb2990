"""Joining parts: the shards and the report of one run, from what the parts kept of each recording."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nanospeech_core.errors import UserError

from ..dataset import BrokenInput, Results, Settings, write_all
from ..folder import Folder, Position
from ..sources.fingerprints import join_fingerprints
from ..utterance import Recipe
from .folder import PartFolder, find_parts
from .packs import Result, order

SPARE_FILES = 64  # that this process opens beside the packs


def join(
    folders: Sequence[str | Path],
    output: str | Path,
    note: Callable[[str], object] = lambda message: None,
) -> dict:
    """Write the shards of all parts, with the same bytes as without parts, or the rest of them.

    The sources are not read, and the parts stay.

    Args:
        folders: the outputs of `prepare_part`; together they have all parts.
        output: the folder of the shards.
        note: called with what a user should know beside the report.
    Returns:
        the report, as `dataset.prepare` does.
    Raises:
        UserError: a part is missing, doubled, not complete, damaged or of another command or other data; or
            as `dataset.prepare` does.
    """
    parts, states = find_parts([Path(folder) for folder in folders])
    arguments = states[0]["arguments"]
    settings = read_settings(arguments, parts[0])
    try:
        entries = join_fingerprints([state["arguments"]["inputs"] for state in states])
    except ValueError as error:
        index, location = error.args
        raise UserError(
            f"{parts[index].path} was made of other recordings or texts of {location} than the parts before "
            "it: delete it, and run its part again"
        ) from error
    folder = Folder(Path(output), settings.name)
    with folder.locked():
        folder.begin({**arguments, "inputs": entries})
        report = folder.finished()
        if report is not None:
            note(f"{output} was joined already: nothing was done. Its report:")
            return report
        allow_open_files(len(parts))
        total = sum(state["recordings"] for state in states)
        report = write_all(settings, folder, lambda start: merged(parts, start), total)
    places = ", ".join(str(Path(folder) / "parts") for folder in folders[:3])
    note(f"The parts are no longer needed: {places}{', ...' if len(folders) > 3 else ''} can be deleted.")
    return report


def read_settings(arguments: dict, folder: PartFolder) -> Settings:
    """The settings of a part.json. Raises UserError."""
    known: dict[str, Any] = {key: value for key, value in arguments.items() if key != "inputs"}
    try:
        recipe = Recipe(**known.pop("recipe"))
        sources, columns = tuple(known.pop("sources")), tuple(known.pop("columns"))
        return Settings(sources=sources, recipe=recipe, columns=columns, **known)
    except (KeyError, TypeError) as error:
        raise UserError(f"{folder.state} is damaged ({error!r}): run its part again") from error


def merged(parts: Sequence[PartFolder], start: Position) -> Results:
    """What became of all recordings after a position, in the order of the sources.

    Raises:
        UserError: a recording is in no part.
    """
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(contextlib.closing(part.results(start))) for part in parts]
        entries: Iterator[tuple[Position, Result]] = heapq.merge(*streams, key=lambda entry: order(entry[0]))
        last, gap = start, False
        for position, result in entries:
            if position == last:  # damage that several parts have seen
                continue
            if isinstance(result, BrokenInput):
                gap = False  # some parts may have read less of it than others
            elif gap and position.inputs > last.inputs:
                raise UserError(missing(last))
            elif position.recordings != (last.recordings if position.inputs == last.inputs else 0) + 1:
                gap = True
            last = position
            yield position, result
        if gap:
            raise UserError(missing(last))


def missing(last: Position) -> str:
    return (
        f"some recordings of source {last.inputs + 1} are in no part: it was not the same for all parts. "
        "Copy it to a folder, and prepare that"
    )


def allow_open_files(parts: int) -> None:
    """Let this process open a pack of each part. Raises UserError if the system does not."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = parts + SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UserError(
            f"{parts} parts are more than the files that may be open here: allow more (ulimit -n {needed})"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
