"""What the engine asks of a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from torch import nn


class Task(Protocol):
    """What a run trains. All random draws of a batch come from the batch: the engine keeps no generator."""

    config: object  # with out, seed, optimizer, engine, watch, and to_dict-able by dataclasses.asdict
    model: nn.Module  # what is averaged, and kept as "ema"
    losses: dict[str, nn.Module]  # each is trained in its turn: (batch, weights) -> sums by name
    rates: dict[str, float]  # the peak learning rate of each
    identity: dict  # of the model, kept as "config": only a run of an equal one goes on

    def turns(self, step: int) -> list[str]:
        """Which of `losses` are trained in a step, in order."""

    def weights(self, turn: str, step: int) -> dict[str, float]:
        """w(step) of each loss."""

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[object, list[str]]]:
        """Batches from number `start` on, every world-th, with the reasons why utterances were skipped.

        A batch has `counts` (what each loss is averaged over), `seconds` (of audio) and `to(device)`.
        """

    def validate(self, model: nn.Module) -> dict[str, float]:
        """`held_out_*` of the averaged model."""

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """`wer_*` of the averaged model, %; {} where there is no ASR."""

    def show(self, model: nn.Module, folder: Path) -> bool:
        """Write audio and plots (see `watch`); False where there is nothing to show."""

    def prepare(self) -> None:
        """Compile and checkpoint activations, as `config.engine` says; called once, before training."""
