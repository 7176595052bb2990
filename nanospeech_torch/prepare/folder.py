"""The output folder: its lock, its arguments, its progress.

It has NAME-000000.tar and so on, prepare.json (the arguments), and at the end rejected.jsonl and report.json.
While it is written, .progress/ has a file for each finished shard, which says where the next one begins. So a
killed run continues there, and its result has the same bytes as that of an uninterrupted run.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder, replacing
from nanospeech_core.system.locks import locked

from .report import Tally, make_report


@dataclass(frozen=True)
class Position:
    """How far the sources have been read: whole inputs, and recordings of the next input."""

    inputs: int = 0
    recordings: int = 0


@dataclass(frozen=True)
class Folder:
    """An output folder of shards called `name`."""

    path: Path
    name: str

    def shard(self, number: int) -> Path:
        return self.path / f"{self.name}-{number:06d}.tar"

    def entry(self, number: int) -> Path:
        return self.path / ".progress" / f"{number:06d}.json"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and lock it against other runs. Raises UserError."""
        make_folder(self.path)
        with locked(self.path, f"another run is writing {self.path}: wait for it, or choose another folder"):
            yield

    def inputs(self) -> list[dict]:
        """The inputs of prepare.json."""
        found = (read_json(self.path / "prepare.json") or {}).get("inputs")
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    def begin(self, arguments: dict) -> None:
        """Write prepare.json, or check that its arguments are equal. Delete a killed run's unfinished files.

        Raises:
            UserError: the folder has shards of other arguments, or of another command.
        """
        arguments = json.loads(json.dumps(arguments))  # as it will be read
        path = self.path / "prepare.json"
        shards = [p for p in self.path.glob("*.tar") if not p.name.startswith(".")]
        if shards:
            found = read_json(path)
            if found is None:
                raise UserError(
                    f"{self.path} has shards that this command did not make: choose another folder"
                )
            if changes := differences(found, arguments):
                raise UserError(
                    f"{self.path} was prepared differently ({'; '.join(changes)}): "
                    "delete it or choose another"
                )
        half_written = (f".{self.name}-*.tar", ".prepare.*.json", ".report.*.json", ".rejected.*.jsonl")
        try:
            for left in itertools.chain.from_iterable(map(self.path.glob, half_written)):
                left.unlink()
            if not shards:
                self.forget_progress()
                self.report.unlink(missing_ok=True)
            self.entry(0).parent.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write {error.filename}: {error.strerror or error}") from error
        if not shards:
            write_json(path, arguments)

    def finished(self) -> dict | None:
        """The report of a finished run; None if it is not finished or shards are missing."""
        report = read_json(self.report)
        if report is None:
            return None
        if all(self.shard(number).exists() for number in range(report.get("shards", 0))):
            self.forget_progress()  # a run that was killed at its end may have left it
            return report
        self.report.unlink()
        return None

    def progress(self) -> Iterator[tuple[Position, list[str], list[int], Tally]]:
        """(position after it, ids, hashes of the recordings, figures) of each finished shard, in order."""
        number = 0
        while entry := read_json(self.entry(number)):
            tally = Tally(**entry["tally"])
            if tally.utterances and not self.shard(number).exists():
                return
            yield Position(**entry["next"]), entry["ids"], entry["sounds"], tally
            number += 1

    def forget_progress(self) -> None:
        shutil.rmtree(self.path / ".progress", ignore_errors=True)

    def write_progress(
        self, number: int, position: Position, ids: list[str], sounds: list[int], tally: Tally
    ) -> None:
        """Record a shard after it was written."""
        entry = {"next": vars(position), "ids": ids, "sounds": sounds, "tally": vars(tally)}
        write_json(self.entry(number), entry)

    def finish(self, tally: Tally, shards: int) -> dict:
        """Write rejected.jsonl and report.json, which marks the end; returns the report.

        Raises:
            UserError: no utterance can be used.
        """
        report = make_report(tally, shards)
        with replacing(self.path / "rejected.jsonl") as temporary:
            names = ("id", "reason", "detail")
            with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as file:
                for case in tally.rejected:
                    file.write(json.dumps(dict(zip(names, case, strict=True)), ensure_ascii=False) + "\n")
        if not tally.utterances:
            self.forget_progress()
            raise UserError(explain_empty(tally, report, self.path))
        write_json(self.report, report)
        self.forget_progress()
        return report


def explain_empty(tally: Tally, report: dict, path: Path) -> str:
    """Why no utterance can be used."""
    parts = []
    if tally.rejected:
        reasons = ", ".join(f"{entry['count']} {entry['reason']}" for entry in report["rejected"]["reasons"])
        parts.append(
            f"all {len(tally.rejected)} recordings were rejected ({reasons}; the first is "
            f"{report['rejected']['reasons'][0]['first'][0]}; see {path / 'rejected.jsonl'})"
        )
    if unused := report["unused"]:
        parts.append("not used: " + ", ".join(f"{count} {what}" for what, count in unused.items()))
    parts += [f"{name} is damaged ({error})" for name, error in tally.damaged[:3]]
    if len(tally.damaged) > 3:
        parts.append(f"so are {len(tally.damaged) - 3} more")
    return f"nothing can be used: {', '.join(parts) or 'the sources are empty'}"


def differences(old: dict, new: dict) -> list[str]:
    """The arguments that differ, in words."""
    result = []
    for key in sorted({*old, *new}):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            result += differences(a, b)
        elif key == "inputs":
            result += differences_of_inputs(a or [], b or [])
        elif a != b:
            result.append(f"{key} was {json.dumps(a)} and is {json.dumps(b)}")
    return result


def differences_of_inputs(old: list[dict], new: list[dict]) -> list[str]:
    """Whether inputs differ in more than the times of their files, in words."""
    if [(e.get("kind"), e.get("location")) for e in old] != [(e["kind"], e["location"]) for e in new]:
        return ["the sources have other files"]
    pairs = [({**a, "state": ""}, {**b, "state": ""}) for a, b in zip(old, new, strict=True)]
    changed = [b["location"] for a, b in pairs if a != b]
    return [f"recordings or texts of {changed[0]} have changed"] if changed else []


def read_json(path: Path) -> dict | None:
    """A JSON object, or None for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict) -> None:
    """Write a file atomically. Lone surrogates (of names that are not UTF-8) become JSON escapes."""
    with replacing(path) as temporary:
        text = json.dumps(value, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
