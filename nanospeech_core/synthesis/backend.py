"""The interface of a backend (MLX, PyTorch), and what follows from it: reveal plans and mels from options."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.noise import Noise
from ..sampling.options import GenerateOptions
from ..sampling.prompt import Prompt, pad
from ..sampling.refinement import remask_batch
from ..sampling.reveal import RevealPlan, make_reveal_plan
from ..sampling.samplers import with_sampler
from ..sampling.schedules import ode_times
from ..system.parallel import Abandoned, check_end
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache


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
    aligner: Any  # an `Aligner`, finds the durations of a recording; None: the model has none
    workers: int | None = None

    @abstractmethod
    def predict_frames(self, reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """The durations of a sentence in frames: int64 [symbols], or [1] for "filler" models."""

    @abstractmethod
    def infill_durations(self, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray:
        """log(1 + frames) of each symbol, float32 [symbols], given the frames of those that are `known`."""

    @abstractmethod
    def begin_batch(self) -> None:
        """Called before a batch of segments is generated."""

    @abstractmethod
    def ode_steps(
        self, prompts: Sequence[Prompt], noise: np.ndarray, times: list[float], method: str, cfg: float
    ) -> Iterator[Any]:
        """The tokens, a backend array [batch, tokens, channels], after each step of the flow ODE.

        Args:
            prompts: the batch; lengths may differ only if the transformer masks the padding.
            noise: float32 [batch, tokens, channels] at time 0.
            times: from 0 to 1, one more than there are steps.
            method: euler, midpoint or rk4.
            cfg: guidance scale.
        """

    @abstractmethod
    def masked_steps(
        self,
        prompts: Sequence[Prompt],
        plans: Sequence[RevealPlan],
        noises: Sequence[Noise],
        diffusion_steps: int,
        temperature: float,
    ) -> Iterator[tuple[Any, Any]]:
        """Tokens and estimate, backend arrays [batch, tokens, channels], after each iteration.

        Args:
            prompts: the batch; lengths may differ only if the transformer masks the padding.
            plans, noises: of each prompt.
            diffusion_steps: denoising steps per token.
            temperature: of the head's noise.
        """

    @abstractmethod
    def decode(self, mel: np.ndarray, before: bool = False, after: bool = False) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> waveform float32 [samples], within [-1, 1].

        before, after: whether `mel` goes on there. Then its outer frames, as many as the vocoder's
            convolutions reach (`streaming.convolution_reach`), are only read: the waveform is that of the
            frames inside.
        """

    def decode_tokens(self, tokens: Any, prompt: Prompt) -> np.ndarray:
        """The waveform float32 [samples] of a prompt's masked tokens.

        The same as `decode` of `to_mel_frames`, but backends need not read the tokens in between.

        tokens: a backend array [1, tokens, channels], as `sample_steps` yields it.
        """
        return self.decode(self.to_mel_frames(self.array(tokens)[0], prompt))

    @abstractmethod
    def array(self, tensor: Any) -> np.ndarray:
        """A backend array as float32 numpy."""

    @abstractmethod
    def free_memory(self) -> None:
        """Release the memory that the backend keeps of the last sentence."""

    @abstractmethod
    def default_workers(self) -> int:
        """How many sentences are best generated at once."""

    def plan(
        self, prompt: Prompt, seed: int, options: GenerateOptions, blocks: Sequence[int] | None = None
    ) -> RevealPlan:
        """Which iteration of masked decoding reveals which tokens; `blocks` as in `make_reveal_plan`."""
        cfg = self.config.sampling.cfg if options.cfg is None else options.cfg
        return make_reveal_plan(
            ~prompt.visible,
            options.iterations(prompt.num_iter),
            seed,
            cfg,
            options.cfg_schedule,
            options.order,
            options.temperature_schedule,
            blocks,
        )

    def sample_steps(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        plans: Sequence[RevealPlan] | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        """Tokens and estimate, [batch, tokens, channels], after each ODE step and each iteration.

        Both are backend arrays and normalized; values in padding are undefined. In masked decoding, tokens
        that are still masked are zero; in the estimate they are the mel regression. The ODE yields the same
        array twice.

        Args:
            prompts: the batch; lengths may differ only if the transformer masks the padding.
            seeds: of each prompt.
            options: those of text and voice have no effect. If sampler, cfg, steps, method or sway_coef is
                None, it is that of `config.sampling`.
            plans: of masked decoding, for each prompt; None: made from the options.
        Raises:
            UserError: the model has no diffusion head, or the head needs more steps.
        """
        self.begin_batch()
        default, o = self.config.sampling, with_sampler(options, self.config)
        self._check_head(o)
        noises = [Noise(seed, *prompt.cond.shape) for prompt, seed in zip(prompts, seeds, strict=True)]
        if o.sampler in ("ode", "refine"):
            cfg = default.cfg if o.cfg is None else o.cfg
            sway = default.sway_coef if o.sway_coef is None else o.sway_coef
            times = ode_times(o.steps or default.steps, sway)
            noise = pad([noise.initial for noise in noises])
            states = []
            for tokens in self.ode_steps(prompts, noise, times, o.method or default.method, cfg):
                states.append(tokens)
                yield tokens, tokens
                check_end()
            if o.sampler == "refine":
                trajectory = [noise, *map(self.array, states)]
                prompts = remask_batch(prompts, seeds, trajectory, times, o)
        if o.sampler in ("masked", "refine"):
            plans = plans or [self.plan(prompt, seed, o) for prompt, seed in zip(prompts, seeds, strict=True)]
            for step in self.masked_steps(prompts, plans, noises, o.diffusion_steps, o.temperature):
                yield step
                check_end()

    def _check_head(self, options: GenerateOptions) -> None:
        """Raise UserError if the model cannot run the sampler of the options."""
        head = self.diffusion_module
        if options.sampler == "ode":
            return
        if head is None:
            raise UserError(
                f"this model has no diffusion head for --sampler {options.sampler}; use --sampler ode"
            )
        if head.objective == "ddpm" and options.diffusion_steps < 2:
            raise UserError("this model's diffusion head needs at least 2 --diffusion-steps")

    def last_tokens(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        abandoned: threading.Event | None = None,
    ) -> Any:
        """The tokens of the last step of `sample_steps`; arguments and errors as for `generate_mels`."""
        for tokens, _ in self.sample_steps(prompts, seeds, options):  # noqa: B007
            if abandoned is not None and abandoned.is_set():
                raise Abandoned
        return tokens

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
        tokens = self.last_tokens(prompts, seeds, options, abandoned)
        return [self.to_mel_frames(x, p) for x, p in zip(self.array(tokens), prompts, strict=True)]

    def to_mel_frames(self, tokens: np.ndarray, prompt: Prompt) -> np.ndarray:
        """Normalized tokens [tokens, channels] -> log-mel [frames, mel_dim] from the first masked one on."""
        frames = tokens[prompt.start : len(prompt.cond)].reshape(-1, self.config.transformer.mel_dim)
        return frames * self.config.mel.std + self.config.mel.mean
