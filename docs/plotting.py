"""What the figures of docs/figures.py have in common: canvas, mels, bars over tokens, legends, files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nanospeech_core.audio.mel import F_MAX, HOP, N_MELS, SAMPLE_RATE
from nanospeech_core.system.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DPI = 9.0, 150  # inches; shown at 900 pixels, 9 points are 12 pixels
MEL_COLORS, ESTIMATE_COLORS = "viridis", "Greys"
RANGES = {MEL_COLORS: (-8.5, 3.0), ESTIMATE_COLORS: (-8.5, 9.0)}  # of log-mels; the grays stay pale
ORANGE, INK, PALE = "#D55E00", "#222222", "#8A8A8A"  # the orange is Okabe and Ito's
BAR = 9  # mel bins, the height of the bars above a mel
LEVELS = 32  # of a color map: with more, a figure is over 200 KB


def make_figure(height: float) -> Figure:
    """An empty figure, `height` inches high, on opaque white: it is shown on dark pages too."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained", facecolor="white")


def draw_mel(axis: Axes, mel: np.ndarray, first_frame: int, colors: str) -> Any:
    """Log-mel [frames, bins] from a frame on, below room for bars; nothing is drawn where it is NaN."""
    import matplotlib

    edges = np.array([first_frame, first_frame + len(mel)]) * HOP / SAMPLE_RATE
    low, high = RANGES[colors]
    image = axis.imshow(
        np.ma.masked_invalid(mel.T),
        origin="lower",
        aspect="auto",
        extent=(*edges, 0, N_MELS),
        cmap=matplotlib.colormaps[colors].resampled(LEVELS),
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    axis.set_ylim(0, N_MELS + BAR + 3)
    axis.tick_params(labelsize=9, colors=INK, length=3)
    axis.tick_params(axis="x", bottom=False, labelbottom=False)
    axis.spines[:].set_visible(False)
    return image


def draw_bars(axis: Axes, bars: Sequence[tuple[float, float]], color: str) -> None:
    """Bars above a mel, each (start, length) in seconds."""
    axis.broken_barh(bars, (N_MELS + 2, BAR), color=color, linewidth=0)


def mark_tokens(axis: Axes, tokens: np.ndarray, patch: int, color: str) -> None:
    """A bar above each token, counted from the first that is generated."""
    width = patch * HOP / SAMPLE_RATE
    draw_bars(axis, [(token * width, width) for token in tokens], color)


def label_words(axis: Axes, words: Sequence[tuple[str, float, float]], size: float = 10) -> None:
    """Words under a mel, each (text, start, end) in seconds, in the middle of its time."""
    for text, start, end in words:
        place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        style = {"ha": "center", "va": "top", "fontsize": size, "color": INK}
        axis.annotate(text, ((start + end) / 2, 0), (0, -3), **place, **style)


def label_seconds(axis: Axes, label: str = "seconds") -> None:
    """The axis of time, below the words."""
    axis.tick_params(axis="x", pad=14, bottom=True, labelbottom=True)
    axis.set_xlabel(label, labelpad=2, color=INK, fontsize=10)


def label_frequencies(axis: Axes) -> None:
    """Mel bins as kHz (HTK's scale)."""
    khz = np.array([0.5, 2, 5, 10])
    mels = np.log10(1 + khz * 1000 / 700) / np.log10(1 + F_MAX / 700)
    axis.set_yticks(mels * (N_MELS + 1) - 0.5, [f"{value:g}" for value in khz])
    axis.set_ylabel("kHz", fontsize=9, color=INK)


def add_title(axis: Axes, text: str) -> None:
    axis.set_title(text, fontsize=10, loc="left", color=INK, pad=4)


def add_legend(figure: Figure, *entries: tuple[str, str]) -> None:
    """Colors, or color maps, and what they mean, below the picture."""
    import matplotlib
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.patches import Patch

    handles = []
    for color, _ in entries:
        faces = [color]
        if color in RANGES:
            high = 1.0 if color == MEL_COLORS else 0.6
            faces = [matplotlib.colormaps[color](part) for part in np.linspace(0, high, 6)]
        handles.append(tuple(Patch(facecolor=face, linewidth=0) for face in faces))
    figure.legend(
        handles,
        [text for _, text in entries],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        loc="outside lower center",
        ncols=len(entries),
        fontsize=9.5,
        frameon=False,
        labelcolor=INK,
    )


def save(figure: Figure, path: Path) -> None:
    """Write SVG, or PNG with a palette; without dates and versions. Raises UserError."""
    import matplotlib
    from PIL import Image

    with matplotlib.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "path"}), replacing(path) as file:
        if path.suffix == ".svg":
            figure.savefig(file, metadata={"Date": None, "Creator": None})
            return
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png")
        colors = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        colors.save(file, format="png", optimize=True)
