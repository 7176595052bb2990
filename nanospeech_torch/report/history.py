"""Reading a run's folder: the numbers of log.jsonl by step, the config, the folders of samples."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from nanospeech_core.errors import UserError

from ..training.engine.settings import read_values

CONFIGS = ("config.json", "config.toml", "config.yaml", "config.yml", "train_config.json")
CLOCKS = ("minutes", "seconds")  # of training, up to a step
FRESH = 600  # seconds: a run whose log is younger counts as running
# a run counts as finished after this share of its steps or minutes: the log ends a bit early
DONE = 0.995


@dataclass
class History:
    """The numbers of a log. If a run repeats steps after it was killed, the later line counts."""

    series: dict[str, dict[int, float]] = field(default_factory=dict)  # name -> step -> value
    facts: dict[str, object] = field(default_factory=dict)  # of lines without a step, the latest of each name
    skipped: dict[str, object] = field(default_factory=dict)  # utterances left out while training, by reason
    resumed: int = 0  # times
    unreadable: int = 0  # lines
    not_finite: int = 0  # values, which are left out

    @property
    def step(self) -> int:
        """The last logged step; 0 if there is none."""
        return max((step for points in self.series.values() for step in points), default=0)

    @property
    def minutes(self) -> float:
        """The training time; 0 if the log has no clock."""
        for name, unit in (("minutes", 1.0), ("seconds", 1 / 60)):
            if self.series.get(name):
                points = self.series[name]
                return points[max(points)] * unit
        return 0.0

    def last(self, name: str) -> float | None:
        """The last value of a series."""
        points = self.series.get(name)
        return points[max(points)] if points else None

    def forget(self, step: int) -> None:
        """Drop what was logged after `step`, since the run went back to a checkpoint."""
        for points in self.series.values():
            for later in [other for other in points if other > step]:
                del points[later]


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path
    history: History
    config: dict  # empty where there is none
    config_text: str
    written: float  # when the log was last written to, seconds of the Unix clock
    samples: list[tuple[int, Path]]  # (step, folder), oldest first

    @property
    def state(self) -> str:
        """One of "finished", "running" (the log grew in the last ten minutes) and "stopped"."""
        optimizer = self.config.get("optimizer")
        limits = {**self.config, **(optimizer if isinstance(optimizer, dict) else {})}
        for name, reached in (("steps", self.history.step), ("minutes", self.history.minutes)):
            limit = limits.get(name)
            if isinstance(limit, (int, float)) and limit > 0 and reached >= DONE * limit:
                return "finished"
        return "running" if time.time() - self.written < FRESH else "stopped"


def read_run(folder: Path) -> Run:
    """Read the folder of a run, finished or not.

    Raises:
        UserError: there is no such folder, it has no log, or no step is logged yet.
    """
    log = folder / "log.jsonl"
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist")
    if not log.is_file():
        raise UserError(f"{folder} is not a training run: it has no log.jsonl")
    try:
        text, written = log.read_text(encoding="utf-8", errors="replace"), log.stat().st_mtime
    except OSError as error:
        raise UserError(f"cannot read {log}: {error.strerror or error}") from error
    history = read_log(text)
    if not history.step:
        raise UserError(f"{log} has no step yet; try again when the run has logged one")
    config, config_text = read_config(folder)
    return Run(folder, history, config, config_text, written, sample_folders(folder / "samples"))


def read_log(text: str) -> History:
    """The numbers of a log's text. Its last line may be incomplete."""
    history, newest = History(), -1
    *lines, rest = text.split("\n")
    for line in [*lines, rest]:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            history.unreadable += bool(line.strip()) and line is not rest
            continue
        step = entry.get("step")
        if not isinstance(step, int) or isinstance(step, bool) or step < 0:
            history.facts.update(entry)
            continue
        if "resumed" in entry:
            history.resumed += 1
            history.forget(step)
        elif step < newest:
            history.forget(step - 1)
        newest = step
        if isinstance(entry.get("skipped"), dict):
            history.skipped = entry["skipped"]
        for name, value in entry.items():
            if name == "step" or not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            if math.isfinite(value):
                history.series.setdefault(name, {})[step] = float(value)
            else:
                history.not_finite += 1
    return history


def read_config(folder: Path) -> tuple[dict, str]:
    """The config as values and as text. Both are empty if there is none; a broken one has no values."""
    for name in CONFIGS:
        path = folder / name
        if path.is_file():
            try:
                return read_values(path), path.read_text(encoding="utf-8")
            except UserError:
                return {}, path.read_text(encoding="utf-8", errors="replace")
    return {}, ""


def sample_folders(folder: Path) -> list[tuple[int, Path]]:
    """The finished folders of samples, by step."""
    found = [(re.fullmatch(r"step-(\d+)", path.name), path) for path in folder.glob("step-*")]
    return sorted(
        (int(match[1]), path) for match, path in found if match and (path / "samples.json").is_file()
    )
