"""Packs: tar files of what became of recordings, in order.

A result is ITEM.json, where ITEM is its position, and the audio of its utterances, ITEM.1.flac and so on.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import replacing

from ...training.data.shards import forget_members
from ..dataset import BrokenInput, Results, add_member
from ..folder import Position
from ..recording import Remark
from ..utterance import Prepared, Rejected, Utterance

Result = Prepared | Rejected | Remark | BrokenInput
BEGINNING = Position()
KINDS = {kind.__name__: kind for kind in (Prepared, Rejected, Remark, BrokenInput)}


def write_pack(path: Path, results: Results, size: int) -> Position | None:
    """Write a pack of the next `size` results, or of all that are left.

    Returns:
        the position after the last one; None if no result is left, and no file is written.
    Raises:
        UserError: it cannot be written.
    """
    first = next(results, None)
    if first is None:
        return None
    with replacing(path) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
        position, result = first
        count = 1
        add_result(tar, position, result)
        while count < size and (following := next(results, None)) is not None:
            position, result = following
            add_result(tar, position, result)
            count += 1
    return position


def add_result(tar: tarfile.TarFile, position: Position, result: Result) -> None:
    fields = asdict(result)
    item = f"{position.inputs:06d}-{position.recordings:09d}"
    sounds: list[bytes] = [utterance.pop("audio") for utterance in fields.get("utterances", ())]
    content = {"position": [position.inputs, position.recordings], type(result).__name__: fields}
    add_member(tar, f"{item}.json", json.dumps(content).encode())
    for number, sound in enumerate(sounds, 1):
        add_member(tar, f"{item}.{number}.{'flac' if sound[:4] == b'fLaC' else 'opus'}", sound)
    forget_members(tar)


def read_pack(
    path: Path, start: Position = BEGINNING, audio: bool = True
) -> Iterator[tuple[Position, Result]]:
    """The results of a pack after a position, with the positions after them.

    Args:
        audio: False: without the audio of the utterances, which is not read.
    Raises:
        UserError: it cannot be read.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                if not member.name.endswith(".json"):
                    continue  # the audio of a result that is skipped
                content = json.loads(read_member(tar, member))
                position = Position(*content.pop("position"))
                if order(position) > order(start):
                    ((name, fields),) = content.items()
                    yield position, make_result(tar, name, fields, audio)
                forget_members(tar)
    except (OSError, tarfile.TarError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"cannot read {path}: it is damaged ({error}): delete its folder, and run its part again"
        ) from error


def make_result(tar: tarfile.TarFile, name: str, fields: dict, audio: bool) -> Result:
    """A result from its fields; the audio is in the next members of the tar."""
    if name == "Prepared":
        fields["utterances"] = tuple(
            Utterance(
                **{**utterance, "unknown": tuple(utterance["unknown"]), "unused": tuple(utterance["unused"])},
                audio=read_member(tar, tar.next()) if audio else b"",
            )
            for utterance in fields["utterances"]
        )
        fields["doubts"] = tuple((what, detail) for what, detail in fields["doubts"])
    return KINDS[name](**fields)


def read_member(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    """The content of a file. Raises ValueError if there is none, or it is cut off."""
    file = None if member is None else tar.extractfile(member)
    content = b"" if file is None else file.read()
    if member is None or len(content) != member.size:
        raise ValueError("its end is missing")
    return content


def order(position: Position) -> tuple[int, int]:
    """Positions in the order in which the sources are read."""
    return position.inputs, position.recordings
