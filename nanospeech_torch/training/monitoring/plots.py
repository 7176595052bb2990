"""Plots of a model's output, as PNG by matplotlib: mels, alignments, spectrograms.

The background is transparent and all lines and letters are gray, so that a plot fits light and dark pages.
Without matplotlib every function does nothing and returns False; one line on stderr says so, once.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, N_FFT, SAMPLE_RATE, hann_window
from nanospeech_core.system.files import replacing
from nanospeech_core.system.install import pip_install

GRAY = "#808080"
PATH = "#4cc9f0"  # of an alignment: a color that the color map lacks
WIDTH = 7.0  # inches
DPI = 130
QUIET = -80.0  # dB relative to the loudest, where a spectrogram is black
MAX_LABELS = 120  # of symbols on one plot; more are not readable


@functools.cache
def can_plot() -> bool:
    """Whether matplotlib is installed. Prints a line on stderr, the first time, if it is not."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print(f"plots need matplotlib: {pip_install('train')}", file=sys.stderr)
        return False
    return True


def draw_mels(path: Path, panels: Sequence[tuple[str, np.ndarray]]) -> bool:
    """Titled log-mels [frames, bins] below each other, with common scales of time and color."""
    if not can_plot():
        return False
    figure, axes = canvas(len(panels), height=1.25)
    low, high = np.percentile(np.concatenate([mel.ravel() for _, mel in panels]), (1, 99.9))
    longest = max(len(mel) for _, mel in panels) * HOP / SAMPLE_RATE
    for axis, (title, mel) in zip(axes, panels, strict=True):
        plot_mel(axis, mel, low, high)
        axis.set(xlim=(0, longest), ylabel="mel bin")
        axis.set_title(title, fontsize=9, color=GRAY, loc="left", pad=3)
        axis.label_outer()
    axes[-1].set_xlabel("seconds")
    save(figure, path)
    return True


def draw_alignment(path: Path, mel: np.ndarray, symbols: Sequence[str], frames: np.ndarray) -> bool:
    """A log-mel [frames, bins] with the boundaries of its symbols, and the symbols above it.

    Args:
        path: of the PNG.
        mel: [frames, bins]; the last frames may belong to no symbol.
        symbols: one label each.
        frames: int [symbols].
    """
    if not can_plot():
        return False
    figure, (axis,) = canvas(1, height=1.9)
    plot_mel(axis, mel, *np.percentile(mel, (1, 99.9)))
    ends = np.cumsum(frames) * HOP / SAMPLE_RATE
    starts = np.concatenate(([0.0], ends[:-1]))
    for end in ends[:-1]:
        axis.axvline(end, color="white", linewidth=0.6, alpha=0.7)
    label_symbols(axis, symbols, (starts + ends) / 2)
    axis.set(xlim=(0, len(mel) * HOP / SAMPLE_RATE), xlabel="seconds", ylabel="mel bin")
    save(figure, path)
    return True


def draw_soft_alignment(path: Path, soft: np.ndarray, frames: np.ndarray, symbols: Sequence[str]) -> bool:
    """An aligner's probabilities as a heat map, and the monotonic path through it as a line.

    Args:
        path: of the PNG.
        soft: [frames, symbols], how probable each symbol is in each frame.
        frames: int [symbols] of the path; they sum to the first axis of `soft`.
        symbols: one label each.
    """
    if not can_plot():
        return False
    seconds = len(soft) * HOP / SAMPLE_RATE
    figure, (axis,) = canvas(1, height=min(7.0, max(2.2, 0.11 * len(symbols))))
    extent = (0, seconds, -0.5, len(symbols) - 0.5)
    axis.imshow(
        soft.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=0, interpolation="nearest"
    )
    ends = np.concatenate(([0], np.cumsum(frames))) * HOP / SAMPLE_RATE
    rows = np.minimum(np.arange(len(symbols) + 1), len(symbols) - 1)  # the last symbol has no next row
    axis.step(ends, rows, where="post", color=PATH, linewidth=1.2)
    axis.set(xlim=(0, seconds), ylim=(-0.5, len(symbols) - 0.5), xlabel="seconds")
    if len(symbols) <= MAX_LABELS:
        axis.set_yticks(np.arange(len(symbols)), [visible_label(symbol) for symbol in symbols], fontsize=7)
        axis.tick_params(axis="y", length=0)
    save(figure, path)
    return True


def draw_spectrograms(path: Path, panels: Sequence[tuple[str, np.ndarray]], rate: int = SAMPLE_RATE) -> bool:
    """Titled spectrograms of waves [samples] below each other, from 0 to -80 dB of the loudest."""
    if not can_plot():
        return False
    figure, axes = canvas(len(panels), height=1.6)
    levels = [spectrogram(wave) for _, wave in panels]
    high = max(float(level.max()) for level in levels)
    longest = max(len(wave) for _, wave in panels) / rate
    for axis, (title, wave), level in zip(axes, panels, levels, strict=True):
        extent = (0, len(wave) / rate, 0, rate / 2000)
        axis.imshow(
            level.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=high + QUIET, vmax=high
        )
        axis.set(xlim=(0, longest), ylabel="kHz")
        axis.set_title(title, fontsize=9, color=GRAY, loc="left", pad=3)
        axis.label_outer()
    axes[-1].set_xlabel("seconds")
    save(figure, path)
    return True


def spectrogram(wave: np.ndarray) -> np.ndarray:
    """The levels of a wave [samples] in dB, float32 [frames, N_FFT // 2 + 1]; short waves are padded."""
    padded = np.pad(wave.astype(np.float32), (N_FFT // 2, N_FFT // 2 + max(0, N_FFT - len(wave))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(windows * hann_window())), LOG_FLOOR))


def canvas(rows: int, height: float) -> tuple[Any, Any]:
    """A figure of `rows` plots, each `height` inches high, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * (height + 0.2) + 0.3), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, sharex=True, squeeze=False)[:, 0]
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.tick_params(colors=GRAY, labelsize=8)
        axis.xaxis.label.set(color=GRAY, fontsize=8)
        axis.yaxis.label.set(color=GRAY, fontsize=8)
        for spine in axis.spines.values():
            spine.set_visible(False)
    return figure, axes


def plot_mel(axis: Any, mel: np.ndarray, low: float, high: float) -> None:
    extent = (0, len(mel) * HOP / SAMPLE_RATE, 0, mel.shape[1])
    axis.imshow(mel.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)


def label_symbols(axis: Any, symbols: Sequence[str], centers: np.ndarray) -> None:
    """The symbols above the plot; every second one is a line higher, so that they do not overlap."""
    if len(symbols) > MAX_LABELS:
        return
    transform = axis.get_xaxis_transform()
    for i, (symbol, center) in enumerate(zip(symbols, centers, strict=True)):
        height = 1.02 + 0.07 * (i % 2)
        axis.text(
            center, height, visible_label(symbol), transform=transform, ha="center", color=GRAY, fontsize=8
        ).set_in_layout(True)


def visible_label(symbol: str) -> str:
    """A symbol as a label: the space becomes a dot."""
    return "·" if symbol == " " else symbol


def save(figure: Any, path: Path) -> None:
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing"
        )  # symbols that the font lacks become boxes
        figure.savefig(temporary, format="png", transparent=True)
