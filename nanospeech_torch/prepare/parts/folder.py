"""The folder of a part: OUTPUT/parts/3-of-64, with part.json and the packs 000000.tar and so on.

part.json has the arguments and, when the part is complete, its number of packs. No two parts write the same
file, so their jobs need no locks, and may run on different machines.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nanospeech_core.cli.output import version
from nanospeech_core.cluster.parts import Part, check_parts, numbers_of
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder, not_found
from nanospeech_core.system.locks import locked

from ..dataset import Results
from ..folder import Position, differences, read_json, write_json
from .packs import BEGINNING, read_pack

FORMAT = 1


@dataclass(frozen=True)
class PartFolder:
    """The folder of a part."""

    path: Path
    part: Part

    @staticmethod
    def of(output: Path, part: Part) -> PartFolder:
        width = len(str(part.count))
        return PartFolder(output / "parts" / f"{part.number:0{width}d}-of-{part.count}", part)

    def pack(self, number: int) -> Path:
        return self.path / f"{number:06d}.tar"

    @property
    def state(self) -> Path:
        return self.path / "part.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and lock it, as far as the file system can. Raises UserError."""
        make_folder(self.path)
        with locked(self.path, f"another run is writing part {self.part} to {self.path}: wait for it"):
            yield

    def inputs(self) -> list[dict]:
        """The fingerprints of the inputs, of an earlier run."""
        found = ((read_json(self.state) or {}).get("arguments") or {}).get("inputs")
        return found if isinstance(found, list) else []

    def begin(self, arguments: dict) -> bool:
        """Write part.json, or check that its arguments are equal. Returns whether the part is complete.

        Raises:
            UserError: the folder has a part of other arguments, or cannot be written.
        """
        arguments = json.loads(json.dumps(arguments))  # as it will be read
        found = read_json(self.state)
        if found is not None and self.pack(0).exists():
            if changes := differences(found["arguments"], arguments):
                raise UserError(
                    f"{self.path} was prepared differently ({'; '.join(changes)}): "
                    "delete it or choose another output"
                )
            if self.is_complete(found):
                return True
        try:
            for left in [*self.path.glob(".*.tar"), *self.path.glob(".part.*.json")]:
                left.unlink()
            if found is None:
                for left in self.path.glob("*.tar"):
                    left.unlink()
        except OSError as error:
            raise UserError(f"cannot write {error.filename}: {error.strerror or error}") from error
        self.write(arguments)
        return False

    def write(self, arguments: dict, packs: int | None = None, recordings: int = 0) -> None:
        """Write part.json. A complete part has its number of packs, and of recordings."""
        content = {"format": FORMAT, "version": version(), "part": [self.part.number, self.part.count]}
        write_json(self.state, {**content, "packs": packs, "recordings": recordings, "arguments": arguments})

    def is_complete(self, state: dict) -> bool:
        return state.get("packs") is not None and all(self.pack(n).exists() for n in range(state["packs"]))

    def packs(self) -> list[Path]:
        """The packs that are complete, in order."""
        found: list[Path] = []
        while self.pack(len(found)).exists():
            found.append(self.pack(len(found)))
        return found

    def results(self, start: Position = BEGINNING, audio: bool = True) -> Results:
        """What became of the recordings after a position. Raises UserError."""
        for path in self.packs():
            yield from read_pack(path, start, audio)


def find_parts(folders: Sequence[Path]) -> tuple[list[PartFolder], list[dict]]:
    """All parts in output folders, in order, and the content of each part.json.

    Raises:
        UserError: parts are missing, doubled or not complete, or were made by different commands.
    """
    found: list[tuple[PartFolder, dict]] = []
    for folder in folders:
        if not folder.exists():
            raise UserError(not_found(str(folder)))
        states = sorted(folder.glob("parts/*/part.json"))
        if not states:
            raise UserError(f"{folder} has no parts: make them with --part, such as --part 1/64")
        for path in states:
            found.append(read_state(path))
    check_parts([(folder.part, str(folder.path)) for folder, _ in found])
    found.sort(key=lambda entry: entry[0].part)
    check_same([(folder, state) for folder, state in found])
    if open_parts := [folder for folder, state in found if not folder.is_complete(state)]:
        one = len(open_parts) == 1
        last = max((p.stat().st_mtime for p in open_parts[0].path.iterdir()), default=0.0)
        ago = max(0, round((time.time() - last) / 60))
        raise UserError(
            f"{numbers_of(folder.part.number for folder in open_parts)} of {open_parts[0].part.count} "
            f"{'is' if one else 'are'} not complete: wait for the jobs that are running, and "
            f"run those again that were stopped ({open_parts[0].path} was last written {ago} minutes ago)"
        )
    return [folder for folder, _ in found], [state for _, state in found]


def read_state(path: Path) -> tuple[PartFolder, dict]:
    """A part and its part.json. Raises UserError if this version did not write it."""
    state = read_json(path) or {}
    try:
        part, inputs = Part(*state["part"]), state["arguments"]["inputs"]
        known = [(entry["kind"], entry["location"], entry["files"], entry["digests"]) for entry in inputs]
        if state["format"] != FORMAT or not (1 <= part.number <= part.count and known):
            raise ValueError(f"format {state['format']}")
        _ = state["version"], state["packs"], state["recordings"]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is not that of a part that this version made: delete {path.parent}"
        ) from error
    return PartFolder(path.parent, part), state


def check_same(found: Sequence[tuple[PartFolder, dict]]) -> None:
    """Raise UserError if parts were made by different commands or versions."""
    (first, expected), *others = found
    for folder, state in others:
        changes = differences(without_inputs(expected), without_inputs(state))
        kinds = [[(e["kind"], e["location"]) for e in s["arguments"]["inputs"]] for s in (expected, state)]
        if kinds[0] != kinds[1]:
            changes.append("the sources have other files")
        if changes:
            raise UserError(
                f"{folder.path} was made differently than {first.path} ({'; '.join(changes)}): "
                "delete it, and run its part again"
            )


def without_inputs(state: dict) -> dict:
    arguments = {key: value for key, value in state["arguments"].items() if key != "inputs"}
    return {"version": state["version"], **arguments}
