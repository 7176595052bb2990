"""What the engine expects of a task, of its config and of its batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ..config import EngineConfig, OptimizerConfig, WatchConfig


class RunConfig(Protocol):
    """The settings that every task has: `AcousticConfig`, `AlignmentConfig` and `VocoderConfig`."""

    @property
    def task(self) -> str: ...
    @property
    def out(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def optimizer(self) -> OptimizerConfig: ...
    @property
    def engine(self) -> EngineConfig: ...
    @property
    def watch(self) -> WatchConfig: ...


class TaskBatch(Protocol):
    """A batch of any task: `JointBatch`, `AlignmentBatch` or `CropBatch`."""

    @property
    def counts(self) -> dict[str, float]:
        """What each loss is averaged over."""

    @property
    def seconds(self) -> float:
        """Of audio."""

    def to(self, device: torch.device) -> TaskBatch: ...


class Task(Protocol):
    """What a run trains. All randomness of a batch is in the batch: the engine has no random generator."""

    config: Any  # a `RunConfig`
    model: nn.Module  # the engine keeps a moving average of it, stored as "ema"
    losses: dict[str, nn.Module]  # by name; each has its optimizer: (batch, weights) -> sums by term
    rates: dict[str, float]  # the peak learning rate of each
    identity: dict  # the model's config, stored as "config"; a run continues only with an equal one
    data: dict  # see data/fingerprint.py; stored, and a run continues only with an equal one

    def active_losses(self, step: int) -> list[str]:
        """The names of the `losses` that a step trains, in order."""

    def weights(self, loss_name: str, step: int) -> dict[str, float]:
        """The weight of each term of a loss at a step."""

    def stream(self, start: int, rank: int, world: int) -> Iterator[tuple[Any, list[str]]]:
        """Batches (`TaskBatch`) from number `start` on, every world-th, with the reasons why utterances were
        skipped.
        """

    def validate(self, model: Any) -> dict[str, float]:
        """The losses of a model on held-out data, named `held_out_*`."""

    def error_rates(self, model: Any) -> dict[str, float]:
        """The word error rates of a model, named `wer_*`, in %; {} without a speech recognizer."""

    def write_samples(self, model: Any, folder: Path) -> bool:
        """Write audio and plots (see monitoring/samples.py). Returns False if there is nothing to write."""

    def prepare(self) -> None:
        """Compile, and checkpoint activations, as `config.engine` says. Called once, before training."""
