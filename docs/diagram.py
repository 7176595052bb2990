"""The block diagram that docs/figures.py draws: from text and voice to the waveform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from plotting import INK, PALE, WIDTH, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (900, 470)  # all positions are pixels of a picture of this size, from its upper left corner
NETWORK, DATA, PANEL = "#D5E8F7", "#FFFFFF", "#F5F5F2"  # fills of boxes
TOKENS = {"visible": "#0072B2", "revealed": "#E69F00", "masked": "#FFFFFF"}  # Okabe and Ito's blue, orange
EXAMPLE = ["visible"] * 6 + ["revealed" if k in (1, 4, 5, 8, 11) else "masked" for k in range(14)]
NOTE = (
    "The sampler ode has no head: the same transformer\n"  # as wide as the room for it
    "moves all tokens from noise to mel, in a few steps."
)
FONT = 9.5


def draw_architecture() -> Figure:
    """Text and voice, the iterations of masked decoding, mel and waveform: three columns."""
    figure = make_figure(WIDTH * SIZE[1] / SIZE[0])
    figure.set_layout_engine("none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, SIZE[0]), ylim=(SIZE[1], 0))
    axis.axis("off")
    draw_inputs(axis)
    draw_iterations(axis)
    draw_outputs(axis)
    return figure


def draw_inputs(axis: Axes) -> None:
    """The left column."""
    draw_box(axis, (14, 42, 164, 46), "voice\nmel of a recording", DATA)
    draw_box(axis, (14, 122, 164, 46), "text\n“Hello there.”", DATA)
    draw_box(axis, (14, 192, 164, 46), "phonemes\nh ə l ˈoʊ  ð ˈɛ ɹ .", DATA)
    draw_box(axis, (14, 262, 164, 46), "duration predictor\nframes per phoneme", NETWORK)
    draw_arrow(axis, (96, 168), (96, 192))
    draw_arrow(axis, (96, 238), (96, 262))
    draw_arrow(axis, (178, 65), (236, 65))
    draw_arrow(axis, (178, 285), (236, 285))
    for y, fill, name in ((372, NETWORK, "network"), (400, DATA, "data")):
        draw_box(axis, (14, y, 28, 18), "", fill)
        draw_text(axis, (52, y + 9), name)


def draw_iterations(axis: Axes) -> None:
    """The middle column: a loop from the tokens through the networks to more visible tokens."""
    draw_box(axis, (206, 8, 514, 452), "", PANEL, PALE)
    draw_text(axis, (222, 28), "masked decoding: each round is an iteration", weight="bold")
    for k, kind in enumerate(EXAMPLE):
        draw_token(axis, (236 + 18 * k, 52), kind)
    legend = (
        "visible: tokens of the voice",
        "visible: tokens revealed so far",
        "masked: tokens to be generated",
    )
    for k, (kind, text) in enumerate(zip(TOKENS, legend, strict=True)):
        draw_token(axis, (310, 104 + 28 * k), kind)
        draw_text(axis, (338, 117 + 28 * k), text)
    draw_text(axis, (310, 198), "a token: 4 mel frames, 43 ms")
    draw_text(axis, (310, 231), NOTE, size=FONT - 1, color="#555555")
    draw_arrow(axis, (270, 80), (270, 262))
    inputs = "sees all tokens, and a phoneme id per mel frame"
    draw_box(axis, (236, 262, 360, 46), f"transformer\n{inputs}", NETWORK)
    draw_text(axis, (433, 329), "hidden state z of each token", ha="center")
    draw_arrow(axis, (312, 308), (312, 350))
    draw_arrow(axis, (555, 308), (555, 350))
    draw_box(axis, (236, 350, 152, 64), "mel regression\nestimates the mel,\nlinear in z", NETWORK)
    draw_box(
        axis, (464, 350, 182, 64), "diffusion head\nsamples the residual,\ngiven z and neighbors", NETWORK
    )
    draw_arrow(axis, (388, 382), (414, 382))
    draw_arrow(axis, (464, 382), (438, 382))
    draw_plus(axis, (426, 382))
    draw_arrow(axis, (426, 394), (426, 440), (690, 440), (690, 65), (598, 65))
    draw_text(axis, (440, 428), "some of the masked tokens")
    draw_text(axis, (644, 52), "reveal", ha="center")


def draw_outputs(axis: Axes) -> None:
    """The right column."""
    draw_arrow(axis, (690, 145), (752, 145))
    axis.plot(690, 145, "o", color=INK, markersize=5)
    draw_box(axis, (752, 122, 134, 46), "mel\nall tokens visible", DATA)
    draw_arrow(axis, (819, 168), (819, 192))
    draw_box(axis, (752, 192, 134, 46), "Vocos\nvocoder", NETWORK)
    draw_arrow(axis, (819, 238), (819, 262))
    draw_box(axis, (752, 262, 134, 76), "", DATA)
    draw_text(axis, (819, 278), "waveform", ha="center", weight="bold")
    x = np.linspace(0, 1, 400)
    wave = np.sin(2 * np.pi * 22 * x) * np.sin(np.pi * x) * (0.35 + 0.65 * np.sin(3 * np.pi * x) ** 2)
    axis.plot(762 + 114 * x, 311 + 20 * wave, color=TOKENS["visible"], linewidth=1)


def draw_box(axis: Axes, place: Sequence[float], text: str, fill: str, edge: str = INK) -> None:
    """place: left, top, width, height."""
    from matplotlib.patches import FancyBboxPatch

    left, top, width, height = place
    style = "round,pad=0,rounding_size=6"
    axis.add_patch(
        FancyBboxPatch((left, top), width, height, style, facecolor=fill, edgecolor=edge, linewidth=1)
    )
    title, *rest = text.split("\n")
    center = left + width / 2
    draw_text(axis, (center, top + (15 if rest else height / 2)), title, ha="center", weight="bold")
    for k, line in enumerate(rest):
        draw_text(axis, (center, top + 33 + 17 * k), line, ha="center", size=FONT - 0.5)


def draw_token(axis: Axes, corner: tuple[float, float], kind: str) -> None:
    from matplotlib.patches import Rectangle

    hatch = {"hatch": "////"} if kind == "masked" else {}
    axis.add_patch(Rectangle(corner, 16, 26, facecolor=TOKENS[kind], edgecolor=PALE, linewidth=0.8, **hatch))


def draw_plus(axis: Axes, center: tuple[float, float]) -> None:
    axis.plot(*center, "o", color="white", markeredgecolor=INK, markersize=17)
    axis.plot(*center, "+", color=INK, markersize=10)


def draw_text(axis: Axes, place: tuple[float, float], text: str, **style: Any) -> None:
    axis.text(*place, text, **{"fontsize": style.pop("size", FONT), "va": "center", "color": INK, **style})


def draw_arrow(axis: Axes, *points: tuple[float, float]) -> None:
    """A line along the points, with its head at the last."""
    *_, before, last = points
    axis.plot(*zip(*points[:-1], strict=True), color=INK, linewidth=1.2, solid_joinstyle="round")
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", last, before, arrowprops=arrow)
