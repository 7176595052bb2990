"""The log of a run: log.jsonl, the terminal with its progress bar, and the trackers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nanospeech_core.errors import UserError
from nanospeech_core.system.files import make_folder
from nanospeech_core.system.locks import locked

from ..monitoring.lines import ProgressBar, format_entry, print_line
from ..monitoring.trackers import log_samples
from .task import RunConfig


class RunLog:
    """The log of one run. Only the main process writes.

    Args:
        accelerator: accelerate's `Accelerator`, with the trackers.
        config: of the run.
        folder: of the run.
    """

    def __init__(self, accelerator: Any, config: RunConfig, folder: Path) -> None:
        self.accelerator, self.config, self.folder = accelerator, config, folder
        self.main = accelerator.is_main_process

    @contextmanager
    def locked_folder(self) -> Iterator[None]:
        """Make the run's folder and lock it for the block. Raises UserError if another run has the lock."""
        if not self.main:
            yield
            return
        make_folder(self.folder)
        with locked(
            self.folder, f"another process is training in {self.folder}: wait for it, or set another `out`"
        ):
            yield

    def write(self, entry: dict[str, Any]) -> None:
        """One line in log.jsonl, one in the terminal; the numbers also to the trackers."""
        if not self.main:
            return
        append_json(self.folder / "log.jsonl", entry)
        numbers = {k: v for k, v in entry.items() if isinstance(v, (int, float)) and k != "step"}
        if "step" in entry and numbers:
            self.accelerator.log(numbers, step=entry["step"])
        print_line(format_entry(entry))

    def say(self, line: str) -> None:
        """One line in the terminal only."""
        if self.main:
            print_line(line)

    def say_finished(self, step: int, nothing_trained: bool = False) -> None:
        """Tell that the run is at the end of its schedule, and what can be done now."""
        if nothing_trained:
            self.say(
                f"{self.folder} is finished at step {step}, nothing was trained: raise optimizer.steps or "
                "optimizer.minutes to go on, or choose another `out` for another run"
            )
        else:
            self.say(f"finished at step {step}")
        arguments = {
            "vocoder": f"{self.folder} -o vocos.safetensors",
            "aligner": f"RUN --aligner {self.folder} -o FOLDER, with the RUN of an acoustic model",
        }.get(self.config.task) or f"{self.folder} -o my-voice --voice me{self.shards_flag()}"
        self.say(f"export it with python -m nanospeech_torch.export {arguments}")

    def shards_flag(self) -> str:
        """The flag of `export` for the data of this run, from which it takes the voice's recording."""
        shards = getattr(getattr(self.config, "data", None), "shards", ())
        return " --shards " + " ".join(f'"{shard}"' for shard in shards) if shards else ""

    @contextmanager
    def trackers(self) -> Iterator[None]:
        """TensorBoard or Weights & Biases, as `config.watch.trackers` says, while the block runs."""
        config = self.config
        if config.watch.trackers:
            flat = {"out": config.out, "seed": config.seed, "learning_rate": config.optimizer.learning_rate}
            self.accelerator.init_trackers("nanospeech", config=flat)
        try:
            yield
        finally:
            for tracker in self.accelerator.trackers:
                tracker.finish()

    def track_samples(self, folder: Path, step: int) -> None:
        """Send a folder of samples to the trackers."""
        if self.accelerator.trackers:
            log_samples(self.accelerator.trackers, folder, step)

    def progress_bar(self) -> ProgressBar:
        """A progress bar, shown on a terminal only."""
        return ProgressBar(self.main)


def append_json(path: Path, entry: dict[str, Any]) -> None:
    """Add one line of JSON to a file; floats are rounded to 6 digits. Raises UserError."""
    entry = {
        key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in entry.items()
    }
    try:
        with open(path, "a+b") as file:
            line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
            if end := file.tell():
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line  # a full disk has cut the last one
            file.write(line)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
