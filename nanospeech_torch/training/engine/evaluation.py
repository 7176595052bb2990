"""What the main process does between two steps when it is due: validation, error rates, samples."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from ..monitoring.samples import read_notes
from ..monitoring.times import Times
from .run_log import RunLog
from .task import Task


class Evaluation:
    """Evaluates the averaged model of a run.

    Args:
        task: of the run.
        log: of the run.
        folder: of the run.
    """

    def __init__(self, task: Task, log: RunLog, folder: Path) -> None:
        self.task, self.log, self.folder = task, log, folder
        self.best = math.inf  # word error rate
        self.resume(0.0, math.inf)

    def resume(self, seconds: float, best: float) -> None:
        """Go on with a run that has trained for `seconds` and whose best word error rate is `best`."""
        watch = self.task.config.watch
        self.best = best
        self.validation = Times(watch.validate_every, watch.validate_minutes, seconds)
        self.errors = Times(watch.eval_every, 0.0, seconds)
        self.samples = Times(watch.sample_every, watch.sample_minutes, seconds)

    def run(self, model: Any, step: int, seconds: float, done: bool) -> bool:
        """Validate a model, measure its error rates and write its samples, each when it is due.

        Args:
            model: the averaged one.
            step: of the run.
            seconds: of training so far.
            done: whether the run is at its end: then everything is due.
        Returns:
            whether it makes the fewest errors so far.
        """
        is_best = False
        if self.validation.is_due(step, seconds, done):
            start = time.monotonic()
            values = self.task.validate(model)
            if values:
                self.log.write({"step": step} | values)
            self.validation.took(seconds, time.monotonic() - start)
        if self.errors.is_due(step, seconds, done):
            values = self.task.error_rates(model)
            if values:
                self.log.write({"step": step} | values)
                rate = values.get("wer_masked", min(values.values()))
                is_best = rate <= self.best  # of equals the later one, which was trained longer
                self.best = min(rate, self.best)
        if self.samples.is_due(step, seconds, done):
            start = time.monotonic()
            folder = self.folder / "samples" / f"step-{step:08d}"
            if self.task.write_samples(model, folder):
                self.log.track_samples(folder, step)
                notes = "".join(f" ({note})" for note in read_notes(folder))
                self.log.say(f"samples of step {step}: {folder}{notes}")
            self.samples.took(seconds, time.monotonic() - start)
        return is_best
