"""The interface of a backend (MLX, PyTorch), and what follows from it: reveal plans and mels from options."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..config import ModelConfig
from ..sampling.options import GenerateOptions
from ..sampling.prompt import Prompt
from ..sampling.reveal import RevealPlan, make_reveal_plan
from ..system.parallel import Abandoned
from ..voices.alignment import Align
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache


class Aligner(Protocol):
    """The network that finds the durations of a recording."""

    def align(self, mel: np.ndarray, ids: np.ndarray, /) -> np.ndarray:
        """Log-mel [frames, mel_dim] and int64 [symbols] -> the frames of each symbol, int64 [symbols]."""


class Backend(ABC):
    """A loaded model on one backend.

    workers: how many sentences or batches are generated at once, each in a thread (see `parallel.ahead`);
        None: `default_workers`.
    """

    config: ModelConfig
    folder: str | os.PathLike | None  # of the checkpoint, which has its voices
    references: ReferenceCache  # the voices that were used last
    diffusion_module: Any  # the head; None: the model has only the ODE
    vocoder: Any  # None: the model has none
    aligner: Any  # finds the durations of a recording, see `align`; None: the model has none
    workers: int | None = None

    @abstractmethod
    def predict_frames(self, reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """The durations of a sentence in frames: int64 [symbols], or [1] for "filler" models."""

    @abstractmethod
    def infill_durations(self, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray:
        """log(1 + frames) of each symbol, float32 [symbols], given the frames of those that are `known`."""

    @abstractmethod
    def sample_steps(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        plans: Sequence[RevealPlan] | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        """Tokens and their estimate, backend arrays [batch, tokens, channels], after each sampling step."""

    @abstractmethod
    def decode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> waveform float32 [samples], within [-1, 1]."""

    @abstractmethod
    def array(self, tensor: Any) -> np.ndarray:
        """A backend array as float32 numpy."""

    @abstractmethod
    def free_memory(self) -> None:
        """Release the memory that the backend keeps of the last sentence."""

    @abstractmethod
    def default_workers(self) -> int:
        """How many sentences are best generated at once."""

    @property
    def align(self) -> Align | None:
        """Finds the durations of a recording; None: the model has no aligner."""
        return None if self.aligner is None else self.aligner.align

    def plan(
        self, prompt: Prompt, seed: int, options: GenerateOptions, blocks: Sequence[int] | None = None
    ) -> RevealPlan:
        """Which iteration of masked decoding reveals which tokens; `blocks` as in `make_reveal_plan`."""
        cfg = self.config.sampling.cfg if options.cfg is None else options.cfg
        return make_reveal_plan(
            ~prompt.visible,
            options.num_iter,
            seed,
            cfg,
            options.cfg_schedule,
            options.order,
            options.temperature_schedule,
            blocks,
        )

    def generate_mels(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        abandoned: threading.Event | None = None,
    ) -> list[np.ndarray]:
        """The log-mels [frames, mel_dim] of a batch, each from its first masked token on.

        Raises `Abandoned` after the step during which `abandoned` is set.
        """
        for tokens, _ in self.sample_steps(prompts, seeds, options):  # noqa: B007
            if abandoned is not None and abandoned.is_set():
                raise Abandoned
        return [self.to_mel_frames(x, p) for x, p in zip(self.array(tokens), prompts, strict=True)]

    def to_mel_frames(self, tokens: np.ndarray, prompt: Prompt) -> np.ndarray:
        """Normalized tokens [tokens, channels] -> log-mel [frames, mel_dim] from the first masked one on."""
        frames = tokens[prompt.start : len(prompt.cond)].reshape(-1, self.config.transformer.mel_dim)
        return frames * self.config.mel.std + self.config.mel.mean
