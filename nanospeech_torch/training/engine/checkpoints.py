"""The checkpoints `step-N.pt` in a run's folder: written atomically, listed, read, compared, deleted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import torch

from nanospeech_core.checkpoints.folder import EMBEDDED
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import replacing


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is."""
    return folder / f"step-{step:08d}.pt"


def list_checkpoints(folder: Path) -> list[Path]:
    """All checkpoints of a run, oldest first."""
    steps = {}
    for path in folder.glob("step-*.pt"):
        if match := re.fullmatch(r"step-(\d+)\.pt", path.name):
            steps[path] = int(match[1])
    return sorted(steps, key=steps.__getitem__)


def best_or_newest(run: str) -> str:
    """The best checkpoint of a run's folder, else its newest. Anything else is returned unchanged.

    Raises:
        UserError: the run has no checkpoint yet.
    """
    if run == EMBEDDED:
        return run
    best = Path(run, "best.pt")
    paths = [best] if best.is_file() else list_checkpoints(Path(run))
    if Path(run).is_dir() and not paths and Path(run, "log.jsonl").is_file():
        raise UserError(f"{run} has no checkpoint yet")
    return str(paths[-1]) if paths else run


def write_checkpoint(path: Path, state: dict) -> None:
    """Write a state atomically. Raises UserError if the file cannot be written."""
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())  # otherwise a power cut may leave an empty file
        except RuntimeError as error:  # torch raises it if the disk is full
            raise UserError(f"cannot write {path}: {str(error).splitlines()[0]}") from error


def read_checkpoint(path: str | Path) -> dict:
    """The contents of a training checkpoint, on the CPU. Raises UserError if it cannot be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"cannot read the checkpoint {path}: {reason}") from error


def read_newest(folder: Path, report: Callable[[str], object]) -> tuple[Path | None, dict]:
    """The newest readable checkpoint of a run, and its contents; (None, {}) if there is no checkpoint.

    Newer ones that cannot be read, such as an empty one after a power cut, are reported. Raises UserError if
    none can be read.
    """
    paths = list_checkpoints(folder)
    for path in reversed(paths):
        try:
            return path, read_checkpoint(path)
        except UserError as error:
            if path == paths[0]:
                raise
            report(str(error))
    return None, {}


def check_same_run(path: Path, state: dict, identity: dict, config: dict) -> None:
    """Raise UserError if a checkpoint is of another model, or was trained with other weights frozen."""
    differing = differences(state["config"], identity)
    if differing:
        raise UserError(
            f"{path} has another {', '.join(differing)} than the config's [model]; "
            "set another folder in `out`, or start from its weights with `init_from`"
        )
    before, now = state["train_config"].get("frozen"), config.get("frozen")
    if before != now:
        raise UserError(
            f"{path} was trained with frozen = {before}, not {now}; set another folder in `out`, "
            "and start from its weights with `init_from`"
        )


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints."""
    for path in list_checkpoints(folder)[:-keep]:
        path.unlink(missing_ok=True)


def delete_unfinished(folder: Path) -> None:
    """Delete the unfinished files of a killed run (see `files.replacing`)."""
    for pattern in (".step-*.pt", ".best.*.pt", ".config.*.json"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def differences(ours: dict, other: dict) -> list[str]:
    """The sections in which two models' configs differ, except their names and sampling options.

    Keys that only one of them has are ignored: a config of an older version does not have newer keys.
    """
    names = sorted((ours.keys() & other.keys()) - {"name", "sampling"})
    return [
        name
        for name in names
        if (
            differences(ours[name], other[name])
            if isinstance(ours[name], dict) and isinstance(other[name], dict)
            else ours[name] != other[name]
        )
    ]
