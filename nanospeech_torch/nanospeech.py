"""Nanospeech with masked autoregressive diffusion: text and a voice in, a waveform out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from nanospeech_core.audio.mel import FRAME_RATE
from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.checkpoints.vocoder import load_with_vocoder
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.pipeline import Pipeline
from nanospeech_core.sampling.options import GenerateOptions, check_precision
from nanospeech_core.sampling.prompt import Prompt, collate, pad
from nanospeech_core.sampling.refinement import remask
from nanospeech_core.sampling.reveal import Noise, RevealPlan
from nanospeech_core.sampling.samplers import with_sampler
from nanospeech_core.sampling.schedules import ode_times
from nanospeech_core.synthesis.durations import whole_frames
from nanospeech_core.system.compiling import TOKENS, ByShape
from nanospeech_core.system.parallel import MAX_THREADS, cpus
from nanospeech_core.voices.reference import Reference
from nanospeech_core.voices.references import References

from .models.aligner import Aligner
from .models.diffloss import DiffLoss
from .models.dit import DiT
from .models.duration import DurationPredictor, DurationTransformer, PhoneDurationPredictor
from .models.vocos import Vocos
from .sampling import flow, mar


class Nanospeech(Pipeline, nn.Module):
    """The whole system.

    Args:
        transformer: the network of both paths.
        diffusion_module: the masked path's head; None: the flow path only.
        duration_predictor: frames of each symbol, or the utterance's seconds (original checkpoints);
            None: the reference's rate.
        vocoder: log-mel to waveform; None: `sample` works, `generate` does not.
        config: what the weights were trained for.
        aligner: finds the durations of reference recordings; None: they are spread evenly.
    """

    def __init__(
        self,
        transformer: DiT,
        diffusion_module: DiffLoss | None = None,
        duration_predictor: PhoneDurationPredictor | DurationPredictor | None = None,
        vocoder: Vocos | None = None,
        config: ModelConfig | None = None,
        aligner: Aligner | None = None,
    ):
        super().__init__()
        self.config = config or ModelConfig()
        self.folder = None
        self.references = References()
        self.compiled = False  # whether masked decoding is
        self.compiled_step: ByShape | None = None  # made when it is first needed
        self.transformer = transformer
        self.diffusion_module = diffusion_module
        self.to_mel = None
        if diffusion_module is not None and self.config.residual:
            self.to_mel = nn.Linear(transformer.dim, transformer.channels)
        self.duration_predictor = duration_predictor
        self.vocoder = vocoder
        self.aligner = aligner

    @classmethod
    def from_config(cls, config: ModelConfig) -> Nanospeech:
        """The model that a config describes, with fresh weights."""
        duration = None
        if config.phone_duration is not None:
            duration = PhoneDurationPredictor(**asdict(config.phone_duration))
        elif config.duration is not None:
            duration = DurationPredictor(DurationTransformer(**asdict(config.duration)))
        head = None if config.diffusion is None else DiffLoss(**asdict(config.diffusion))
        vocoder = None if config.vocoder is None else Vocos(**asdict(config.vocoder))
        aligner = None if config.aligner is None else Aligner(**asdict(config.aligner))
        return cls(DiT(**asdict(config.transformer)), head, duration, vocoder, config, aligner)

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike | None = None,
        revision: str | None = None,
        vocoder: str | os.PathLike | None = None,
        compile: bool = False,
        precision: str = "float32",
    ) -> Nanospeech:
        """Load a checkpoint.

        Args:
            model: a folder or a hub id; None or "embedded" is the embedded model.
            revision: of a hub id.
            vocoder: a Vocos to speak through, as `find_vocoder` takes it; None is the checkpoint's,
                and for an original Nanospeech checkpoint the public one that it was made for.
            compile: masked decoding's step, once for each shape; sentences are padded so that these are few.
            precision: as `set_precision` takes it.
        Raises:
            UserError: it cannot be found, it is not whole, or there is no such precision.
        """
        check_precision(precision)
        folder = checkpoint.resolve(model, revision)
        config, tensors = load_with_vocoder(folder, "pt", vocoder)
        result = cls.from_config(config)
        result.set_weights(tensors, folder)
        result.set_precision(precision)
        result.folder, result.compiled = folder, compile
        return result.eval()

    def set_weights(self, tensors: dict[str, np.ndarray], path: str | os.PathLike) -> None:
        """Take all weights; a missing, extra or misshaped tensor is a UserError that names it and `path`."""
        own = self.state_dict()
        fitting = check_tensors(tensors, {name: tuple(value.shape) for name, value in own.items()}, path)
        for name, value in fitting.items():
            own[name].copy_(torch.from_numpy(value))

    def set_precision(self, precision: str) -> None:
        """Compute in float16, bfloat16 or float32: transformer, mel regression and diffusion head.

        Durations, vocoder and aligner stay float32, and so do the tokens between the steps.
        Raises UserError where there is no such precision.
        """
        check_precision(precision)
        for part in (self.transformer, self.to_mel, self.diffusion_module):
            if part is not None:
                part.to(getattr(torch, precision))

    # from text to a waveform: what `Pipeline` speaks with

    @torch.inference_mode()
    def predict_frames(self, reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """How long a sentence takes: int64 [symbols], or [1] for "filler" models, in frames.

        Args:
            reference: the voice; its tempo is taken on.
            ids: int64 [symbols] of the sentence.
            speed: 2 is twice as fast; the reference's own speech is not changed.
        """
        text = np.concatenate((reference.ids, ids))
        if isinstance(self.duration_predictor, DurationPredictor):
            mel = self.tensor(reference.mel[None])
            seconds = float(self.duration_predictor(mel, self.tensor(text[None]))[0])
            frames = (seconds * FRAME_RATE - len(reference.mel)) / speed
            return np.array([max(len(ids), round(frames))])
        if self.config.text.alignment == "filler":
            frames = len(ids) * len(reference.mel) / max(1, len(reference.ids)) / speed
            return np.array([max(len(ids), round(frames))])
        known = np.arange(len(text)) < len(reference.ids)
        frames = np.concatenate((reference.frames, np.zeros(len(ids), np.int64)))
        logs = self.infill_durations(text, frames, known)[len(reference.ids) :]
        return whole_frames(logs, speed * reference.tempo, self.transformer.patch)

    @torch.inference_mode()
    def infill_durations(self, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray:
        """log(1 + frames) of each symbol, float32 [symbols], told the durations of those that are known.

        Args:
            ids: int64 [symbols] with their pauses.
            frames: of each symbol [symbols], read where known.
            known: bool [symbols].
        """
        predictor = self.duration_predictor
        if not isinstance(predictor, PhoneDurationPredictor):
            return np.full(len(ids), np.log1p(frames[known].mean()), np.float32)
        text, told = self.tensor(ids[None]), self.tensor(known[None])
        given = self.tensor(frames[None].astype(np.float32))
        return self.array(predictor(text, given, told)[0])

    @torch.inference_mode()
    def sample_steps(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        plans: Sequence[RevealPlan] | None = None,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Tokens and a draft [batch, tokens, channels] after each step of the ODE, the masked path, or both.

        They are normalized, and without meaning where padded. Tokens of the masked path that are not drawn
        yet are zeros; in the draft they are what the mel regression expects.

        Args:
            prompts: the batch; of different lengths only where the transformer masks the padding.
            seeds: of each.
            options: those of text and voice say nothing here. Where the sampler, cfg, steps, method or
                sway_coef is None, it is that of `config.sampling`.
            plans: of the masked path, of each prompt; None: as the options say.
        Raises:
            UserError: the model has no diffusion head, or it needs more steps.
        """
        usual, o = self.config.sampling, with_sampler(options, self.config)
        cfg = usual.cfg if o.cfg is None else o.cfg
        masked = o.sampler != "ode"
        if masked and self.diffusion_module is None:
            raise UserError(f"this model has no diffusion head for --sampler {o.sampler}; it has the ODE")
        if masked and self.diffusion_module.objective == "ddpm" and o.diffusion_steps < 2:
            raise UserError("a ddpm head needs at least 2 diffusion steps")
        noises = [Noise(seed, *prompt.cond.shape) for prompt, seed in zip(prompts, seeds, strict=True)]
        if o.sampler != "masked":
            steps, method = o.steps or usual.steps, o.method or usual.method
            times = ode_times(steps, usual.sway_coef if o.sway_coef is None else o.sway_coef)
            *batch, mask = self.collate(prompts)
            first = self.tensor(pad([noise.initial for noise in noises]))
            states = [first]
            predict = self.config.predict
            for tokens in flow.sample(self.transformer, *batch, first, times, method, cfg, predict, mask):
                states.append(tokens)
                yield tokens, tokens
        if o.sampler == "refine":
            drafts = [self.array(state) for state in states]
            prompts = [
                remask(p, [x[b, : len(p.cond)] for x in drafts], times, o.refine, o.refine_order, seeds[b])
                for b, p in enumerate(prompts)
            ]
        if masked:
            plans = plans or [self.plan(prompt, seed, o) for prompt, seed in zip(prompts, seeds, strict=True)]
            step = self.step()
            padded = step is not None and self.transformer.mask_padding  # else padding is heard
            bucket = TOKENS if padded else 1
            *batch, mask = self.collate(prompts, bucket)
            for tokens, draft in mar.sample(
                self.transformer,
                self.diffusion_module,
                self.to_mel,
                *batch,
                plans,
                noises,
                o.diffusion_steps,
                o.temperature,
                self.config.residual_std,
                mask,
                step,
            ):
                yield tokens, draft

    @torch.inference_mode()
    def decode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> float32 [samples], within [-1, 1]."""
        if self.vocoder is None:
            raise UserError("this model has no vocoder")
        wave = self.vocoder(self.tensor(mel.astype(np.float32)[None]))[0]
        return np.clip(self.array(wave), -1.0, 1.0)

    def step(self) -> ByShape | None:
        """An iteration of masked decoding, compiled and the same each time; None where it is not to be."""
        if self.compiled and self.compiled_step is None:
            self.compiled_step = mar.make_step(
                self.transformer, self.diffusion_module, self.to_mel, self.config.residual_std, True
            )
        return self.compiled_step if self.compiled else None

    def collate(self, prompts: Sequence[Prompt], bucket: int = 1) -> list:
        """cond, visible, text and mask of a batch, as `sampling.prompt.collate` gives them."""
        parts = collate(prompts, self.transformer.patch, bucket)
        return [None if part is None else self.tensor(part) for part in parts]

    def default_workers(self) -> int:
        """How many sentences are best made at once: on a CPU some, where each computes in one thread."""
        on_cpu = self.transformer.proj_out.weight.device.type == "cpu"
        single = on_cpu and torch.get_num_threads() == 1 and not self.compiled
        return min(MAX_THREADS, cpus()) if single else 1

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A numpy array where the weights are."""
        return torch.from_numpy(array).to(self.transformer.proj_out.weight.device)

    def array(self, tensor: torch.Tensor) -> np.ndarray:
        """A tensor as float32 numpy."""
        return tensor.float().cpu().numpy()

    def free_memory(self) -> None:
        """Nothing: PyTorch uses the memory of the last sentence again."""
