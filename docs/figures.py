"""python docs/figures.py [NAME ...] [--output DIR]: draw the pictures of the documentation.

The embedded model speaks with fixed seeds, on MLX if it is installed, else on PyTorch. A second run on the
same machine writes the same bytes.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from diagram import draw_architecture
from plotting import (
    ESTIMATE_COLORS,
    INK,
    MEL_COLORS,
    ORANGE,
    PALE,
    add_legend,
    add_title,
    draw_bars,
    draw_mel,
    label_frequencies,
    label_seconds,
    label_words,
    make_figure,
    mark_tokens,
    save,
)

from nanospeech_core.audio.mel import HOP, N_MELS, SAMPLE_RATE, log_mel
from nanospeech_core.cli import output
from nanospeech_core.system.files import make_folder
from nanospeech_core.system.install import BACKENDS, is_installed, need
from nanospeech_core.system.process import command

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROG = "python docs/figures.py"
FOLDER = Path(__file__).parent / "figures"
REVEAL_TEXT = "Elephants never hurry."
SAMPLERS_TEXT = "Three samplers read the same sentence aloud."
EDIT_TEXTS = ("She painted the old door green.", "She painted the old window green.")
SAMPLERS = {"masked": {"num_iter": 3}, "ode": {"steps": 8}, "refine": {"steps": 8, "refine": 0.3}}
SHOWN_REFERENCE = 20  # tokens of the reference, the last ones


@dataclass
class Steps:
    """What `sample_steps` yields for one prompt, and the speech."""

    visible: np.ndarray  # bool [tokens], before the first step
    tokens: list[np.ndarray] = field(default_factory=list)  # float32 [tokens, channels], after each step
    estimates: list[np.ndarray] = field(default_factory=list)  # the same, masked tokens estimated
    plan: Any = None  # the RevealPlan; only the sampler masked has one
    speech: Any = None  # the first that `speak` yields: words and phones with their times

    @property
    def start(self) -> int:
        """The first token to be generated."""
        return int(np.argmin(self.visible))


# What is used of the model is in the next four functions.


@functools.cache
def load_model() -> Any:
    """The embedded model of the first backend that is installed."""
    backend = next((name for name in BACKENDS if is_installed(name)), BACKENDS[-1])
    need((backend,), "drawing speech", "torch")
    model = importlib.import_module(f"nanospeech_{backend}").Nanospeech.from_pretrained()
    model.workers = 1
    return model


@contextmanager
def record_steps(model: Any) -> Iterator[list[Steps]]:
    """In the block, each call of `model.sample_steps` is appended to the list."""
    sample_steps, calls = model.sample_steps, []

    def record(
        prompts: Sequence, seeds: Sequence[int], options: Any, plans: Sequence | None = None
    ) -> Iterator:
        if plans is None and options.sampler == "masked":
            plans = [model.plan(prompts[0], seeds[0], options)]
        steps = Steps(prompts[0].visible, plan=plans and plans[0])
        calls.append(steps)
        for tokens, estimate in sample_steps(prompts, seeds, options, plans):
            steps.tokens.append(model.array(tokens)[0])
            steps.estimates.append(model.array(estimate)[0])
            yield tokens, estimate

    model.sample_steps = record
    try:
        yield calls
    finally:
        del model.sample_steps


def speak(model: Any, text: str, **options: Any) -> Steps:
    """Speak one sentence and keep the steps."""
    with record_steps(model) as calls:
        (speech, *_) = model.speak(text, **options)
    (steps,) = calls
    steps.speech = speech
    return steps


def to_mel(model: Any, tokens: np.ndarray) -> np.ndarray:
    """Tokens [tokens, channels] as log-mel [frames, bins]."""
    return tokens.reshape(-1, N_MELS) * model.config.mel.std + model.config.mel.mean


# The pictures.


def draw_reveal(model: Any, text: str = REVEAL_TEXT, num_iter: int = 6) -> Figure:
    """A row per iteration: revealed tokens in color over the gray estimate, in two orders."""
    options = {"num_iter": num_iter, "speed": 0.8}  # at full speed the words do not fit under the mel
    columns = {
        "interleaved: the default order": speak(model, text, **options),
        "blocks: left to right, for streaming": speak(model, text, stream=True, **options),
    }
    words = times(next(iter(columns.values())).speech.words)
    rows = max(len(steps.plan) for steps in columns.values())
    figure = make_figure(0.6 * rows + 1.2)
    axes = figure.subplots(rows, 2, sharex=True, squeeze=False)
    for column, (title, steps) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=10, fontweight="bold", color=INK, pad=6)
        visible, count = steps.visible.copy(), len(steps.plan)
        for axis in axes[count:, column]:
            axis.set_visible(False)
        for row, (new, estimate) in enumerate(zip(steps.plan.reveal, steps.estimates, strict=True)):
            visible[new] = True
            axis = axes[row, column]
            draw_iteration(axis, model, estimate, visible, new, steps.start)
            label = f"iteration {row + 1}\n+{len(new)} token{'s' * (len(new) > 1)}"
            axis.set_ylabel(label, rotation=0, ha="right", va="center", color=INK, fontsize=8.5)
        label_words(axes[count - 1, column], words, 9)
        label_seconds(axes[count - 1, column], "seconds (below 0: the reference)")
    add_legend(
        figure,
        (MEL_COLORS, "visible: reference and revealed tokens"),
        (ESTIMATE_COLORS, "estimate of masked tokens"),
        (ORANGE, "revealed in this iteration"),
    )
    return figure


def draw_iteration(
    axis: Axes, model: Any, estimate: np.ndarray, visible: np.ndarray, new: np.ndarray, start: int
) -> None:
    """The estimate [tokens, channels] after one iteration; `visible` tokens in color, `new` ones marked."""
    first, patch = max(0, start - SHOWN_REFERENCE), estimate.shape[1] // N_MELS
    mel, shown = to_mel(model, estimate[first:]), np.repeat(visible[first:], patch)[:, None]
    begin = (first - start) * patch
    draw_mel(axis, np.where(shown, np.nan, mel), begin, ESTIMATE_COLORS)
    draw_mel(axis, np.where(shown, mel, np.nan), begin, MEL_COLORS)
    mark_tokens(axis, new - start, patch, ORANGE)
    axis.axvline(0, color="black", linewidth=1.2)
    axis.set_yticks([])


def draw_samplers(model: Any, text: str = SAMPLERS_TEXT) -> Figure:
    """The mels of the three samplers, and which tokens come from masked decoding or the ODE."""
    titles = {
        "masked": "masked: the diffusion head samples the tokens, over {num_iter} iterations",
        "ode": "ode: all tokens are integrated from noise together, in {steps} steps",
        "refine": "refine: a draft by the ODE; masked decoding regenerates its least certain {refine:.0%}",
    }
    figure = make_figure(5.4)
    axes = figure.subplots(len(titles), sharex=True)
    for axis, (sampler, options) in zip(axes, SAMPLERS.items(), strict=True):
        steps = speak(model, text, sampler=sampler, **options)
        tokens = steps.tokens[-1][steps.start :]
        draw_mel(axis, to_mel(model, tokens), 0, MEL_COLORS)
        masked = np.full(len(tokens), sampler == "masked")
        if sampler == "refine":
            masked = (tokens != steps.tokens[options["steps"] - 1][steps.start :]).any(axis=1)
        for where, color in ((masked, ORANGE), (~masked, PALE)):
            mark_tokens(axis, np.flatnonzero(where), tokens.shape[1] // N_MELS, color)
        add_title(axis, titles[sampler].format(**options))
        label_frequencies(axis)
    label_words(axes[-1], times(steps.speech.words))
    label_seconds(axes[-1])
    add_legend(
        figure,
        (MEL_COLORS, "log-mel, quiet to loud"),
        (ORANGE, "tokens of masked decoding"),
        (PALE, "tokens of the ODE"),
    )
    return figure


def draw_edit(model: Any, before: str = EDIT_TEXTS[0], after: str = EDIT_TEXTS[1]) -> Figure:
    """A recording before and after an edit: the samples that differ are marked."""
    speech = speak(model, before).speech
    edited = model.edit(speech.wave, before, after)
    left, right = common_ends(speech.wave, edited)
    longest = max(len(speech.wave), len(edited)) / SAMPLE_RATE
    figure = make_figure(4.0)
    axes = figure.subplots(2, sharex=True)
    for axis, wave, text in zip(axes, (speech.wave, edited), (before, after), strict=True):
        start, end, length = left / SAMPLE_RATE, (len(wave) - right) / SAMPLE_RATE, len(wave) / SAMPLE_RATE
        draw_mel(axis, log_mel(wave)[: len(wave) // HOP], 0, MEL_COLORS)
        draw_bars(axis, [(0, start), (end, length - end)], PALE)
        draw_bars(axis, [(start, end - start)], ORANGE)
        for edge in (start, end):
            axis.axvline(edge, color=ORANGE, linewidth=1.6)
        add_title(axis, f"{'before' if text is before else 'after'}: “{text}”")
        label_frequencies(axis)
        label_words(axis, edited_times(speech.words, text, (start, end), length - speech.end))
    axes[-1].set_xlim(0, longest)
    label_seconds(axes[-1])
    add_legend(figure, (PALE, "unchanged, sample for sample"), (ORANGE, "replaced: generated by the model"))
    return figure


def times(words: Sequence) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in words]


def common_ends(a: np.ndarray, b: np.ndarray) -> tuple[int, int]:
    """How many samples two waves share at the beginning, and at the end."""
    n = min(len(a), len(b))
    left = int(np.argmax(np.append(a[:n] != b[:n], True)))
    return left, int(np.argmax(np.append(a[::-1][: n - left] != b[::-1][: n - left], True)))


def edited_times(
    words: Sequence, text: str, span: tuple[float, float], longer: float
) -> list[tuple[str, float, float]]:
    """The words of `text` with their times in the edited recording, of which `span` was replaced.

    words: of the recording, as many as `text` has. longer: by how many seconds the edit is longer.
    """
    placed, shift = [], 0.0
    for (old, start, end), new in zip(times(words), text.split(), strict=True):
        if old != new:
            placed.append((new, *span))
            shift = longer
        else:
            placed.append((new, start + shift, end + shift))
    return placed


FIGURES: dict[str, Callable[[], Figure]] = {
    "reveal.png": lambda: draw_reveal(load_model()),
    "samplers.png": lambda: draw_samplers(load_model()),
    "edit.png": lambda: draw_edit(load_model()),
    "architecture.svg": draw_architecture,
}


@command(PROG)
def main(argv: Sequence[str] | None, prog: str) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__.splitlines()[0].partition(": ")[2])
    names = [Path(file).stem for file in FIGURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--output", type=Path, default=FOLDER, metavar="DIR", help="default: docs/figures")
    args = parser.parse_args(argv)
    if unknown := [name for name in args.names if name not in names]:
        parser.error(f"there is no figure {unknown[0]!r}; there are {', '.join(names)}")

    def draw() -> None:
        need(("matplotlib",), "drawing", "train")
        make_folder(args.output)
        for file, figure in FIGURES.items():
            if not args.names or Path(file).stem in args.names:
                save(figure(), args.output / file)
                output.print_result(args.output / file)

    return output.guard(draw, prog, quiet=False)


if __name__ == "__main__":
    sys.exit(main())
