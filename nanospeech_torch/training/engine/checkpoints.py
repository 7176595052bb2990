"""The checkpoints `step-N.pt` in a run's folder: written atomically, listed, read, compared, deleted."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from nanospeech_core.checkpoints.folder import EMBEDDED
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder, not_found, replacing

from .runtime import is_death_of_worker


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
        raise UserError(
            f"{run} has no checkpoint yet: the first one comes after engine.checkpoint_minutes (4), "
            "or when you stop the training with Ctrl-C"
        )
    return str(paths[-1]) if paths else run


def write_checkpoint(path: Path, state: dict) -> None:
    """Write a state atomically. Raises UserError if the file cannot be written."""
    with replacing(path) as temporary:
        try:
            torch.save(state, temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())  # otherwise a power cut may leave an empty file
        except RuntimeError as error:  # torch raises it if the disk is full, and does not say so
            if is_death_of_worker(error):  # at this moment
                raise
            with open(temporary, "ab", buffering=0) as file:
                file.write(bytes(1 << 16))  # raises the OSError that says it
                file.write(b"\0")
            raise UserError(f"cannot write {path}: {str(error).splitlines()[0]}") from error


def read_checkpoint(path: str | Path) -> dict:
    """The contents of a training checkpoint, on the CPU. Raises UserError if it cannot be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(not_found(path)) from error
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


def check_same_run(path: Path, state: dict, identity: dict, data: dict, config: dict) -> None:
    """Raise UserError if a checkpoint is of another run: of another model, on other data, with other settings
    that a run cannot change.

    Args:
        path: of the checkpoint.
        state: its contents.
        identity: the model's config now, see `task.Task`.
        data: the data's fingerprint now. Checkpoints until 0.1 have none: it is not compared.
        config: the run's config now.
    """
    elsewhere = "set another folder in `out`, or start from its weights there with `init_from`"
    differing = differences(state["config"], identity)
    if differing:
        raise UserError(f"{path} has another {', '.join(differing)} than the config's [model]; {elsewhere}")
    for name in ("frozen", "seed", "init_from"):
        before, now = state["train_config"].get(name), config.get(name)
        if name == "init_from":  # its run may have been trained further, or moved, since
            before, now = source_of(before), source_of(now)
        if before != now:
            raise UserError(f"{path} was trained with {name} = {before!r}, not {now!r}; {elsewhere}")
    before = state.get("data") or data
    if before["digest"] != data["digest"]:
        amounts = (f"{d['utterances']} utterances, {d['hours']:.2f} h" for d in (before, data))
        what = f"other recordings, texts or durations: {'; now '.join(amounts)}"
        raise UserError(f"{path} was trained on other data ({what}); {elsewhere}")
    if before["held_out_digest"] != data["held_out_digest"]:
        counts = f"{before['held_out']} utterances, now {data['held_out']}"
        raise UserError(f"{path} was trained with others held out ({counts}); {elsewhere}")


def source_of(path: str | None) -> str:
    """The name of the run, folder or file that initial weights came from; "" if they were random."""
    parts = Path(path or "").parts
    own_name = not parts or not re.fullmatch(r"step-\d+\.pt|best\.pt", parts[-1]) or len(parts) == 1
    return "".join(parts[-1:] if own_name else parts[-2:-1])


def averaged_weights(state: dict, path: str | Path) -> dict[str, np.ndarray]:
    """The averaged weights ("ema") of a checkpoint's contents, by name; bfloat16, which numpy lacks, as
    float32. Raises UserError if there are none.
    """
    weights = state.get("ema") if isinstance(state, dict) else None
    if not (isinstance(weights, dict) and all(isinstance(value, torch.Tensor) for value in weights.values())):
        raise UserError(f"{path} is not a checkpoint of nanospeech_torch.train: it has no averaged weights")
    kept = (torch.float16, torch.float32, torch.float64)
    return {
        name: (value if value.dtype in kept else value.float()).detach().numpy()
        for name, value in weights.items()
    }


def expected_bytes(losses: Iterable[nn.Module], ema: nn.Module) -> int:
    """The size of a checkpoint: weights, their averages, and two moments for each weight that is trained."""

    def size(tensors: Iterable[torch.Tensor]) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    own = sum(
        size(loss.state_dict().values()) + 2 * size(p for p in loss.parameters() if p.requires_grad)
        for loss in losses
    )
    return own + size(ema.state_dict().values())


def describe_disk(folder: Path, size: int, keep: int) -> str:
    """A line that tells how much disk the checkpoints of a run will need, and whether there is enough.

    Args:
        folder: the run's; it exists.
        size: of a checkpoint, in bytes.
        keep: how many are kept; one more is there while it is written.
    """
    there = sum(path.stat().st_size for path in list_checkpoints(folder))
    free, needed = shutil.disk_usage(folder).free, (keep + 1) * size
    line = f"a checkpoint has about {gigabytes(size)}, and {keep} are kept (engine.keep): {folder} needs"
    line += f" {gigabytes(needed)}; {gigabytes(free)} are free"
    if free + there < needed:
        line += ": too little! Free some, lower engine.keep, or set another `out`"
    return line


def gigabytes(size: float) -> str:
    """A size in bytes as "12 MB" or "1.2 GB"."""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints."""
    for path in list_checkpoints(folder)[:-keep]:
        path.unlink(missing_ok=True)


def make_run_folder(folder: Path) -> None:
    """Create a run's folder; delete the unfinished files of a killed run (see `files.replacing`)."""
    make_folder(folder)
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
