"""The lines and the progress bar that a run shows in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

# how the values of log.jsonl are shown; others are "name value"
FORMATS = {
    "steps_per_s": "{:.3g} steps/s",
    "audio_hours_per_hour": "{:.3g} h of audio/h",
    "lr": "learning rate {:.3g}",
    "memory_gb": "{:.3g} GB of memory",
    "minutes": "{:.1f} min",
    "minutes_left": "{:.1f} min left",
    "seconds": "{:.1f} s",
}
REFRESH = 0.5  # seconds between two changes of the bar


def format_entry(entry: Mapping[str, Any]) -> str:
    """An entry of log.jsonl as a line, with units: the losses first, then the speed and the clock."""
    ordered = sorted(entry.items(), key=lambda item: item[0] in FORMATS)
    return " ".join(format_value(name, value) for name, value in ordered)


def format_value(name: str, value: Any) -> str:
    if isinstance(value, float) and name in FORMATS:
        return FORMATS[name].format(value)
    if name == "parameters":
        return f"{value / 1e6:.3g} million parameters"
    if isinstance(value, float):
        unit = " %" if name.startswith("wer_") else ""
        return f"{name} {value:.4g}{unit}"
    if isinstance(value, dict):
        return f"{name} " + ", ".join(f"{count} ({reason})" for reason, count in value.items())
    return f"{name} {value}"


def format_time(seconds: float) -> str:
    """ "12:05" or "1:02:05"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ProgressBar:
    """A bar of the share of a run that is done, with the time that is left. Shown on a terminal only.

    Args:
        shown: whether this process may show one.
    """

    def __init__(self, shown: bool) -> None:
        from tqdm import tqdm

        layout = "{percentage:3.0f}%|{bar:20}| {desc}"
        disable = not (shown and sys.stderr is not None and sys.stderr.isatty())
        self.bar = tqdm(total=1.0, bar_format=layout, disable=disable, leave=False)
        self.speed, self.drawn = "", -REFRESH

    def update(self, step: int, share: float, seconds: float) -> None:
        """Show the share that is done after `seconds` of training."""
        now = time.monotonic()
        if self.bar.disable or now - self.drawn < REFRESH:
            return
        self.drawn, self.bar.n = now, share
        left = f", {format_time(seconds * (1 / share - 1))} left" if share else ""
        self.bar.set_description_str(f"step {step}{left}{self.speed}")  # draws it

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()


def print_line(line: str) -> None:
    """Print a line that does not break the progress bar."""
    from tqdm import tqdm

    tqdm.write(line)
    if sys.stdout is not None:
        sys.stdout.flush()
