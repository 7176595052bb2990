"""Nanospeech with masked autoregressive diffusion: text and a voice in, a waveform out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

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
from nanospeech_core.system.parallel import cpus
from nanospeech_core.voices.reference import Reference
from nanospeech_core.voices.references import References

from .device import kernels
from .device.threads import tidy_streams
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
                On a CPU nothing is compiled, as nothing would be gained: a warning says so.
            precision: as `set_precision` takes it.
        Raises:
            UserError: it cannot be found, it is not whole, or there is no such precision.
        """
        check_precision(precision)
        folder = checkpoint.resolve(model, revision)
        config, tensors = load_with_vocoder(folder, "mlx", vocoder)
        result = cls.from_config(config)
        result.set_weights(tensors, folder)
        result.set_precision(precision)
        if compile and not kernels.on_gpu():
            warnings.warn("MLX compiles for a GPU only: there is none here", stacklevel=2)
        result.folder, result.compiled = folder, compile and kernels.on_gpu()
        return result.eval()

    def set_weights(self, tensors: dict[str, np.ndarray], path: str | os.PathLike) -> None:
        """Take all weights; a missing, extra or misshaped tensor is a UserError that names it and `path`."""
        quantization = self.config.quantization
        if quantization is not None:  # the layers become those of the file before they take its weights
            bits, group_size = quantization.bits, quantization.group_size

            def is_quantized(name: str, layer: nn.Module) -> bool:
                fits = hasattr(layer, "to_quantized") and layer.weight.shape[-1] % group_size == 0
                return fits and f"{name}.scales" in tensors

            nn.quantize(self, group_size, bits, class_predicate=is_quantized)
        own = dict(tree_flatten(self.parameters()))
        fitting = check_tensors(tensors, {name: value.shape for name, value in own.items()}, path)
        taken = []
        for name, value in fitting.items():  # one by one, and without a copy where none is needed
            kept = value.dtype in (np.float32, np.uint32)
            taken.append((name, mx.array(value if kept else value.astype(np.float32))))
        self.update(tree_unflatten(taken))

    def set_precision(self, precision: str) -> None:
        """Compute in float16, bfloat16 or float32: transformer, mel regression and diffusion head.

        Durations, vocoder and aligner stay float32, and so do the tokens between the steps. The codes
        of quantized weights are kept. Raises UserError where there is no such precision.
        """
        check_precision(precision)
        for part in (self.transformer, self.to_mel, self.diffusion_module):
            if part is not None:
                part.set_dtype(getattr(mx, precision))
                mx.eval(part.parameters())  # else MLX holds the wide ones too until they are used

    # from text to a waveform: what `Pipeline` speaks with

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

    def sample_steps(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        options: GenerateOptions,
        plans: Sequence[RevealPlan] | None = None,
    ) -> Iterator[tuple[mx.array, mx.array]]:
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
        kernels.count_sentence(self)
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
                mx.eval(tokens)
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
                mx.eval(tokens)
                yield tokens, draft

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
        """How many sentences are best made at once: on a CPU two, of which each computes in one thread."""
        return 1 if kernels.on_gpu() else min(2, cpus())

    def tensor(self, array: np.ndarray) -> mx.array:
        """A numpy array for MLX."""
        tidy_streams()
        return mx.array(array)

    def array(self, tensor: mx.array) -> np.ndarray:
        """An array of MLX as float32 numpy."""
        mx.async_eval(tensor)
        mx.synchronize()  # this waits without Python's lock, which numpy would hold
        return np.array(tensor)

    def free_memory(self) -> None:
        """Give back what MLX keeps of the last sentence, whose sizes the next does not have."""
        mx.clear_cache()
