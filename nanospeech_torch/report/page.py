"""A run as one self-contained HTML page: its figures, curves, samples and config."""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from .chart import Line, Panel, draw
from .gallery import samples
from .history import CLOCKS, History, Run

HELD_OUT = "held_out_"
RATES = {"wer": "word error rate (%)", "cer": "character error rate (%)"}
SAMPLERS = {"masked": "masked diffusion", "ode": "flow ODE"}
OPTIMIZATION = {"lr": "learning rate", "gradient": "gradient norm", "grad_norm": "gradient norm"}
MACHINE = {
    "steps_per_s": "steps per second",
    "audio_hours_per_hour": "hours of audio per hour",
    "memory_gb": "memory (GB)",
    "frames": "frames a step",
    "mfu": "model FLOPs utilization",
}
# Settings that are shown under the title, from any section of the config.
SETTINGS = (
    *("task", "shards", "init_from", "learning_rate", "schedule", "batch_seconds", "batch_size", "precision"),
    *("transformer.dim", "transformer.depth", "transformer.heads", "transformer.patch", "seed"),
)
# The browser fetches no address, whatever a log or a config contains.
POLICY = "; ".join(
    (
        *("default-src 'none'", "img-src data:", "media-src data:"),
        *("style-src 'unsafe-inline'", "script-src 'unsafe-inline'"),
    )
)


def render(run: Run, max_samples: int) -> str:
    """The page.

    Args:
        run: of `history.read_run`.
        max_samples: the number of steps with samples: the newest, and others spread over the run.
    """
    here = Path(__file__).parent
    name = escape(run.folder.resolve().name)
    body = [header(run, name), curves(run.history), samples(run, max_samples)]
    if run.config_text:
        config = f"<details><summary>config</summary><pre>{escape(run.config_text)}</pre></details>"
        body.append(f"<h2>Config</h2>{config}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>\n{(here / 'page.css').read_text(encoding='utf-8')}</style></head>"
        f"<body>{''.join(body)}{footer(run)}"
        f"<script>\n{(here / 'page.js').read_text(encoding='utf-8')}</script></body></html>\n"
    )


def header(run: Run, name: str) -> str:
    """Title, state, the most important figures and settings."""
    written = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.written))
    tiles = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd><dd>{escape(note)}</dd></div>"
        for label, value, note in figures(run)
    )
    settings = "".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>"
        for key, value in main_settings(run.config)
    )
    return (
        f'<header><h1>{name}</h1><p><span class="state {run.state}">{run.state}</span>, last logged '
        f'{written}</p><dl class="tiles">{tiles}</dl>'
        + (f'<dl class="settings">{settings}</dl>' if settings else "")
        + "</header>"
    )


def figures(run: Run) -> list[tuple[str, str, str]]:
    """(name, value, note) of each tile."""
    history, facts = run.history, run.history.facts
    resumed = ("", "resumed once", "resumed twice")
    note = resumed[history.resumed] if history.resumed < 3 else f"resumed {history.resumed} times"
    result = [("step", f"{history.step:,}", note)]
    if history.minutes:
        processes = facts.get("processes", 1)
        where = str(facts.get("device", "")) + (f", {processes} processes" if processes != 1 else "")
        result.append(("training time", clock(history.minutes), where))
    parameters = facts.get("parameters")
    if isinstance(parameters, int):
        utterances = facts.get("utterances")
        note = f"{utterances:,} utterances" if isinstance(utterances, int) else ""
        result.append(("parameters", f"{parameters / 1e6:.3g} M", note))
    best = best_rate(history)
    if best:
        rate, label, step = best
        result.append(("fewest word errors", f"{rate:.3g} %", f"{label}, step {step:,}"))
    for name in ("loss", "flow", "mel"):
        points = history.series.get(HELD_OUT + name)
        if points:
            least = min(points, key=lambda step: points[step])
            note = (
                f"least: {points[least]:.4g}, step {least:,}" if least != max(points) else "the least so far"
            )
            result.append((f"held-out {name}", f"{points[max(points)]:.4g}", note))
            break
    speed, hours = history.last("steps_per_s"), history.last("audio_hours_per_hour")
    if speed is not None:
        note = f"{hours:.3g} hours of audio per hour" if hours is not None else ""
        result.append(("steps per second", f"{speed:.3g}", note))
    return result


def best_rate(history: History) -> tuple[float, str, int] | None:
    """(word error rate, sampler, step) of the best evaluation."""
    rates = [
        (value, sampler(name), step)
        for name, points in history.series.items()
        if name.split("_")[0] == "wer"
        for step, value in points.items()
    ]
    return min(rates, default=None)


def sampler(name: str) -> str:
    """The sampler that a rate was measured with: "wer_ode" is the flow ODE's."""
    kind = name.partition("_")[2]
    return SAMPLERS.get(kind, kind.replace("_", " ") or "all")


def clock(minutes: float) -> str:
    """A time as text: "2 h 05 min"."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min" if rest else f"{minutes * 60:.0f} s"


def main_settings(config: dict) -> list[tuple[str, str]]:
    """(name, value) of SETTINGS in a config."""
    flat = dict(flatten(config))
    found = []
    for wanted in SETTINGS:
        for key, value in flat.items():
            if f".{key}".endswith(f".{wanted}") and value not in ("", [], None):
                found.append((key, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return found


def flatten(values: dict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(section.name, value) of nested settings."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


# curves


def panels(history: History) -> dict[str, list[Panel]]:
    """Panels of all numbers in the log: each loss with its held-out loss, the error rates together."""
    rates: dict[str, list[Line]] = {}
    groups: dict[str, list[Panel]] = {
        "Losses and error rates": [],
        "Optimization": [],
        "Speed and memory": [],
    }
    bases = dict.fromkeys(name.removeprefix(HELD_OUT) for name, points in history.series.items() if points)
    for base in bases:
        training, held_out = history.series.get(base, {}), history.series.get(HELD_OUT + base, {})
        kind = base.split("_")[0]
        if base in (*CLOCKS, "minutes_left"):
            continue
        if kind in RATES:
            rates.setdefault(kind, []).append(line(sampler(base), training or held_out))
        elif base in MACHINE:
            groups["Speed and memory"].append(Panel(MACHINE[base], [line("", training, True)], True))
        elif base in OPTIMIZATION or kind == "gradient":
            title = OPTIMIZATION.get(base, base.replace("_", " "))
            groups["Optimization"].append(Panel(title, [line("", training, base != "lr")], base == "lr"))
        else:
            lines = [line("training", training, True)] if training else []
            lines += [line("held out", held_out)] if held_out else []
            groups["Losses and error rates"].append(Panel(base.replace("_", " "), lines))
    groups["Losses and error rates"][:0] = [Panel(RATES[kind], lines, True) for kind, lines in rates.items()]
    return {title: found for title, found in groups.items() if found}


def line(label: str, points: dict[int, float], smooth: bool = False) -> Line:
    steps = sorted(points)
    return Line(label, np.array(steps), np.array([points[step] for step in steps]), smooth)


def curves(history: History) -> str:
    last, number, parts = history.step, 0, ['<h2>Curves <small id="at-step"></small></h2>']
    for title, found in panels(history).items():
        parts.append(f'<h3>{title}</h3><div class="charts">')
        for panel in found:
            number += 1
            parts.append(draw(panel, number, 0, last))
        parts.append("</div>")
    return "".join(parts)


def footer(run: Run) -> str:
    notes = [f"written {time.strftime('%Y-%m-%d %H:%M')} by nanospeech_torch.report"]
    if run.history.skipped:
        reasons = (f"{count}: {reason}" for reason, count in run.history.skipped.items())
        notes.append(f"skipped in training: {', '.join(reasons)}")
    if run.history.unreadable:
        notes.append(f"{run.history.unreadable} lines of log.jsonl could not be read")
    if run.history.not_finite:
        notes.append(f"{run.history.not_finite} values were not finite and are left out")
    return f"<footer>{escape('; '.join(notes))}</footer>"
