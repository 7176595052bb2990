"""A run's folder and its checkpoints `step-N.pt`: written whole or not at all, found, read, compared."""

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
    return folder / f"step-{step:08d}.pt"


def found(folder: Path) -> list[Path]:
    """All checkpoints of a run, oldest first."""
    names = {path: re.fullmatch(r"step-(\d+)\.pt", path.name) for path in folder.glob("step-*.pt")}
    return sorted((path for path, match in names.items() if match), key=lambda path: int(names[path][1]))


def newest(run: str) -> str:
    """The best checkpoint of a run's folder, or else the newest; anything else as it is."""
    if run == EMBEDDED:
        return run
    best = Path(run, "best.pt")
    paths = [best] if best.is_file() else found(Path(run))
    if Path(run).is_dir() and not paths and Path(run, "log.jsonl").is_file():
        raise UserError(f"{run} has no checkpoint yet")
    return str(paths[-1]) if paths else run


def write_checkpoint(path: Path, state: dict) -> None:
    """Write a state: whole, or not at all."""
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())  # a power cut may otherwise leave it empty under its last name
        except RuntimeError as error:  # torch's way to say that the disk is full
            raise UserError(f"cannot write {path}: {str(error).splitlines()[0]}") from error


def read_checkpoint(path: str | Path) -> dict:
    """A training checkpoint's contents, on the CPU. Raises UserError when it cannot be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"cannot read the checkpoint {path}: {reason}") from error


def read_newest(folder: Path, report: Callable[[str], object]) -> tuple[Path | None, dict]:
    """The newest checkpoint of a run that can be read, and its contents; (None, {}) where there is none.

    A newer one that cannot be, such as an empty one after a power cut, is reported. Raises UserError where
    none can be read.
    """
    paths = found(folder)
    for path in reversed(paths):
        try:
            return path, read_checkpoint(path)
        except UserError as error:
            if path == paths[0]:
                raise
            report(str(error))
    return None, {}


def check_same_run(path: Path, state: dict, identity: dict, config: dict) -> None:
    """Raise UserError for a checkpoint of another model, or that had other weights frozen."""
    differing = differences(state["config"], identity)
    if differing:
        raise UserError(
            f"{path} holds a model of another {', '.join(differing)} than the config's [model]; "
            "name another folder in `out`, or take up its weights by `init_from`"
        )
    before, now = state["train_config"].get("frozen"), config.get("frozen")
    if before != now:
        raise UserError(
            f"{path} was trained with frozen = {before}, not {now}; name another folder in `out`, "
            "and take up its weights by `init_from`"
        )


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints."""
    for path in found(folder)[:-keep]:
        path.unlink(missing_ok=True)


def clean(folder: Path) -> None:
    """Delete what a killed run left half-written (see `files.replacing`)."""
    for pattern in (".step-*.pt", ".best.*.pt", ".config.*.json"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def differences(ours: dict, other: dict) -> list[str]:
    """The sections that two models' configs disagree about; how they are called or sampled is not one.

    What only one of them knows is passed over: a config of an older version lacks what came later.
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
