"""Curves over a run's steps as inline SVG. The colors are in the page's style sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 440, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 20
POINTS = 300  # of a line, at most: more are not visible
LOG_RATIO = 12.0  # positive values of a wider range are drawn on a logarithmic scale
SMOOTHING = 60  # the moving average reaches over 1/60 of the run to either side


@dataclass(frozen=True, eq=False)
class Line:
    """One curve. With `smooth`, it is a moving average, in front of the faint values."""

    label: str
    steps: np.ndarray  # int64 [points], ascending
    values: np.ndarray  # float64 [points]
    smooth: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """Curves with common axes."""

    title: str
    lines: list[Line]
    from_zero: bool = False  # the scale begins at 0 and is linear


def moving_average(values: np.ndarray, half: int) -> np.ndarray:
    """Mean over [i - h, i + h]. h is `half`, less at the beginning, where curves fall fast.

    At the end, the window is cut off on one side only: otherwise the last values would not be averages.
    """
    sums = np.concatenate(([0.0], np.cumsum(values)))
    index = np.arange(len(values))
    reach = np.minimum(half, index)
    low, high = index - reach, np.minimum(index + reach + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def thin(steps: np.ndarray, values: np.ndarray, limit: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """About `limit` points that keep every peak: the least and the greatest value of each stretch."""
    if len(steps) <= limit:
        return steps, values
    keep = {0, len(steps) - 1}
    for stretch in np.array_split(np.arange(len(steps)), limit // 2):
        keep |= {int(stretch[values[stretch].argmin()]), int(stretch[values[stretch].argmax()])}
    kept = sorted(keep)
    return steps[kept], values[kept]


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about `count`."""
    span = (high - low) / count
    power = 10.0 ** math.floor(math.log10(span))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= span * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between positive bounds, at most five; if there are few, also 2 and 5 times them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [10.0**p for p in powers if low <= 10.0**p <= high]
    if len(marks) < 3:
        return [10.0**p * f for p in powers for f in (1, 2, 5) if low <= 10.0**p * f <= high]
    return marks[:: -(-len(marks) // 5)]


def short(value: float) -> str:
    """A tick's label: 2500 becomes 2.5k, 0.00075 becomes 7.5e-4."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{letter}"
    if 0 < abs(value) < 0.001:
        mantissa, _, power = f"{value:.2e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    return f"{value:.4g}"


class Scale:
    """Maps values to heights. All averages and all but the rarest values are within the bounds."""

    def __init__(self, panel: Panel, averages: list[np.ndarray]) -> None:
        values = np.concatenate([line.values for line in panel.lines])
        solid = np.concatenate(averages)
        low, high = np.quantile(values, (0.002, 0.998))
        low, high = float(min(low, solid.min())), float(max(high, solid.max()))
        self.log = not panel.from_zero and low > 0 and high / low > LOG_RATIO
        if self.log:
            low, high = low * 0.93, high * 1.07
            self.marks = log_ticks(low, high)
        else:
            low = min(low, 0.0) if panel.from_zero else low
            pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
            low, high = (low if panel.from_zero and low == 0 else low - pad), high + pad
            self.marks = ticks(low, high)
        self.low, self.high = (math.log(low), math.log(high)) if self.log else (low, high)

    def y(self, values: np.ndarray) -> np.ndarray:
        if self.log:
            values = np.log(np.maximum(values, math.exp(self.low) * 1e-3))
        share = (np.asarray(values) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def draw(panel: Panel, number: int, first: int, last: int) -> str:
    """A <figure> of a panel.

    Args:
        panel: with at least one line, each of at least one point.
        number: the panel's number on its page.
        first, last: the steps at the edges, equal on all panels, which share one cursor.
    """
    span = max(1, last - first)

    def x(steps: np.ndarray) -> np.ndarray:
        return LEFT + (np.asarray(steps) - first) / span * (WIDTH - LEFT - RIGHT)

    averages = [
        moving_average(line.values, len(line.values) // SMOOTHING) if line.smooth else line.values
        for line in panel.lines
    ]
    scale = Scale(panel, averages)
    grid = [
        f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{short(mark)}</text>'
        for mark in scale.marks
        for y in [float(scale.y(np.array(mark)))]
    ]
    grid += [
        f'<text class="tick" x="{place:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{short(mark)}</text>'
        for mark in ticks(first, first + span)
        for place in [float(x(np.array(mark)))]
        if place <= WIDTH - RIGHT
    ]
    curves, legend = [], []
    for i, (line, average) in enumerate(zip(panel.lines, averages, strict=True), 1):
        if average is not line.values and len(line.values) >= SMOOTHING:
            raw_steps, raw = thin(line.steps, line.values)
            curves.append(f'<path class="raw c{i}" d="{path(x(raw_steps), scale.y(raw))}"/>')
        steps, values = thin(line.steps, average)
        xs, ys = x(steps), scale.y(values)
        dots = "".join(
            f'<circle class="c{i}" cx="{a:.1f}" cy="{b:.1f}" r="2"/>' for a, b in zip(xs, ys, strict=True)
        )
        texts = [f"{value:.4g}" for value in values]
        curves.append(
            f'<g class="c{i}" data-steps="{" ".join(map(str, steps))}" data-values="{" ".join(texts)}">'
            f'<path d="{path(xs, ys)}"/>'
            f"{dots if len(xs) <= 30 else ''}</g>"
        )
        name = f"<i></i>{escape(line.label)} " if line.label else ""
        legend.append(f'<span class="c{i}">{name}<output>{texts[-1]}</output></span>')
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    note = "<small>log scale</small>" if scale.log else ""
    return (
        f'<figure class="chart"><figcaption><div><b>{escape(panel.title)}</b> {note}</div>'
        f"{''.join(legend)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(panel.title)} by step" '
        f'data-first="{first}" data-span="{span}" data-left="{LEFT}" data-width="{inner_width}">'
        f'<clipPath id="clip{number}"><rect x="{LEFT}" y="{TOP - 2}" width="{inner_width + 2}" '
        f'height="{inner_height + 4}"/></clipPath>{"".join(grid)}'
        f'<g class="curves" clip-path="url(#clip{number})">{"".join(curves)}</g>'
        f'<path class="cursor" d="M0 {TOP}V{HEIGHT - BOTTOM}" hidden/></svg></figure>'
    )


def path(xs: np.ndarray, ys: np.ndarray) -> str:
    """The SVG path through points."""
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(xs, ys, strict=True))
