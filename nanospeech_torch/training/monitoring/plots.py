"""What a model made, drawn as PNG by matplotlib: mels, alignments, spectrograms. No global state.

The background is transparent and all ink is grey, so that a plot fits a white page and a black one.
Without matplotlib every function does nothing and returns False; one line on stderr tells of it, once.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, N_FFT, SAMPLE_RATE, hann_window
from nanospeech_core.system.files import replacing
from nanospeech_core.system.install import pip_install

GREY = "#808080"
PATH = "#4cc9f0"  # of an alignment: unlike any colour of the map
WIDTH = 7.0  # inches
DPI = 130
QUIET = -80.0  # dB below the loudest, where a spectrogram is black
MAX_LABELS = 120  # of symbols on one plot; more cannot be read


@functools.cache
def can_plot() -> bool:
    """Whether matplotlib is installed. Says so on stderr, the first time, where it is not."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print(f"plots need matplotlib: {pip_install('train')}", file=sys.stderr)
        return False
    return True


def draw_mels(path: Path, panels: Sequence[tuple[str, np.ndarray]]) -> bool:
    """Log-mels [frames, bins] under each other, on one scale of time and one of colour; each has a title."""
    if not can_plot():
        return False
    figure, axes = canvas(len(panels), height=1.25)
    low, high = np.percentile(np.concatenate([mel.ravel() for _, mel in panels]), (1, 99.9))
    longest = max(len(mel) for _, mel in panels) * HOP / SAMPLE_RATE
    for axis, (title, mel) in zip(axes, panels, strict=True):
        show_mel(axis, mel, low, high)
        axis.set(xlim=(0, longest), ylabel="mel bin")
        axis.set_title(title, fontsize=9, color=GREY, loc="left", pad=3)
        axis.label_outer()
    axes[-1].set_xlabel("seconds")
    save(figure, path)
    return True


def draw_alignment(path: Path, mel: np.ndarray, symbols: Sequence[str], frames: np.ndarray) -> bool:
    """A log-mel [frames, bins], the boundaries of its symbols, and the symbols over it.

    Args:
        path: of the PNG.
        mel: what was spoken; the last few frames may belong to no symbol.
        symbols: one label each.
        frames: int [symbols].
    """
    if not can_plot():
        return False
    figure, (axis,) = canvas(1, height=1.9)
    show_mel(axis, mel, *np.percentile(mel, (1, 99.9)))
    ends = np.cumsum(frames) * HOP / SAMPLE_RATE
    starts = np.concatenate(([0.0], ends[:-1]))
    for end in ends[:-1]:
        axis.axvline(end, color="white", linewidth=0.6, alpha=0.7)
    label_symbols(axis, symbols, (starts + ends) / 2)
    axis.set(xlim=(0, len(mel) * HOP / SAMPLE_RATE), xlabel="seconds", ylabel="mel bin")
    save(figure, path)
    return True


def draw_soft_alignment(path: Path, soft: np.ndarray, frames: np.ndarray, symbols: Sequence[str]) -> bool:
    """An aligner's probabilities as a heat map, and the monotonic path found in it as a line.

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
    rows = np.minimum(np.arange(len(symbols) + 1), len(symbols) - 1)  # the last ends where it began
    axis.step(ends, rows, where="post", color=PATH, linewidth=1.2)
    axis.set(xlim=(0, seconds), ylim=(-0.5, len(symbols) - 0.5), xlabel="seconds")
    if len(symbols) <= MAX_LABELS:
        axis.set_yticks(np.arange(len(symbols)), [shown(symbol) for symbol in symbols], fontsize=7)
        axis.tick_params(axis="y", length=0)
    save(figure, path)
    return True


def draw_spectrograms(path: Path, panels: Sequence[tuple[str, np.ndarray]], rate: int = SAMPLE_RATE) -> bool:
    """Spectrograms of waves [samples] under each other, from 0 to -80 dB of the loudest of all."""
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
        axis.set_title(title, fontsize=9, color=GREY, loc="left", pad=3)
        axis.label_outer()
    axes[-1].set_xlabel("seconds")
    save(figure, path)
    return True


def spectrogram(wave: np.ndarray) -> np.ndarray:
    """dB float32 [frames, N_FFT // 2 + 1] of a wave [samples]; one too short is padded with silence."""
    padded = np.pad(wave.astype(np.float32), (N_FFT // 2, N_FFT // 2 + max(0, N_FFT - len(wave))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    return 20 * np.log10(np.maximum(np.abs(np.fft.rfft(windows * hann_window())), LOG_FLOOR))


def canvas(rows: int, height: float):
    """A figure of `rows` plots, each `height` inches high, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * (height + 0.2) + 0.3), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, sharex=True, squeeze=False)[:, 0]
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.tick_params(colors=GREY, labelsize=8)
        axis.xaxis.label.set(color=GREY, fontsize=8)
        axis.yaxis.label.set(color=GREY, fontsize=8)
        for spine in axis.spines.values():
            spine.set_visible(False)
    return figure, axes


def show_mel(axis, mel: np.ndarray, low: float, high: float) -> None:
    extent = (0, len(mel) * HOP / SAMPLE_RATE, 0, mel.shape[1])
    axis.imshow(mel.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)


def label_symbols(axis, symbols: Sequence[str], centres: np.ndarray) -> None:
    """The symbols over the plot, every second one a line higher so that short ones do not collide."""
    if len(symbols) > MAX_LABELS:
        return
    transform = axis.get_xaxis_transform()
    for i, (symbol, centre) in enumerate(zip(symbols, centres, strict=True)):
        height = 1.02 + 0.07 * (i % 2)
        axis.text(
            centre, height, shown(symbol), transform=transform, ha="center", color=GREY, fontsize=8
        ).set_in_layout(True)


def shown(symbol: str) -> str:
    return "·" if symbol == " " else symbol


def save(figure, path: Path) -> None:
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a symbol that the font lacks is a box
        figure.savefig(temporary, format="png", transparent=True)
