"""Nanospeech with masked autoregressive diffusion: text and a voice in, a waveform out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from nanospeech_core import audio, checkpoint, speech
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.options import DEFAULTS, GenerateOptions
from nanospeech_core.plan import Noise, make_plan
from nanospeech_core.prompt import FRAME_RATE, Prompt, Reference, make_prompts, whole_frames
from nanospeech_core.schedule import ode_times
from nanospeech_core.vocoder import load_with_vocoder
from nanospeech_core.voices import Voice, list_voices, voices_folder

from . import flow, mar
from .aligner import Aligner
from .diffloss import DiffLoss
from .dit import DiT
from .duration import DurationPredictor, DurationTransformer, PhoneDurationPredictor
from .vocos import Vocos


class Nanospeech(nn.Module):
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

    sample_rate = SAMPLE_RATE

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
    ) -> Nanospeech:
        """Load a checkpoint.

        Args:
            model: a folder or a hub id; None is the embedded model.
            revision: of a hub id.
            vocoder: a Vocos to speak through, as `nanospeech_core.vocoder.find_vocoder` takes it; None is the
                checkpoint's, and for an original Nanospeech checkpoint the public one that it was made for.
        Raises:
            UserError: it cannot be found, or it is not whole.
        """
        folder = checkpoint.resolve(model, revision)
        config, tensors = load_with_vocoder(folder, "mlx", vocoder)
        result = cls.from_config(config)
        result.set_weights(tensors, folder)
        result.folder = folder
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
        fitting = checkpoint.check(tensors, {name: value.shape for name, value in own.items()}, path)
        codes = np.dtype(np.uint32)
        taken = {name: v if v.dtype == codes else v.astype(np.float32) for name, v in fitting.items()}
        self.update(tree_unflatten([(name, mx.array(value)) for name, value in taken.items()]))

    def voices(self) -> list[Voice]:
        """The voices that the checkpoint brings, else the embedded ones; the default one first."""
        return list_voices(voices_folder(self.folder))

    # from text to a waveform

    def generate(self, text: str, voice: str | None = None, **options) -> np.ndarray:
        """Speak.

        Args:
            text: any length; it is split into sentences.
            voice: one of `voices()`; None is the first.
            options: further fields of `GenerateOptions`.
        Returns:
            float32 [samples] at `sample_rate`.
        Raises:
            UserError: the text cannot be spoken, the voice is unknown, an option is out of range.
        """
        return audio.join(list(self.stream(text, voice, **options)))

    def stream(
        self,
        text: str,
        voice: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        **options,
    ) -> Iterator[np.ndarray]:
        """Speak sentence by sentence, yielding float32 [samples] each; the arguments are those of `generate`.

        progress: called with (sentences done, sentences in all) before each sentence and at the end.
        """
        chosen = GenerateOptions(voice=voice, **options)
        align = None if self.aligner is None else self.aligner.align
        script = speech.read_script(text, self.config, self.folder, chosen, align)
        seeds = itertools.count(chosen.seed)

        def predict(ids: np.ndarray) -> np.ndarray:
            return self.predict_frames(script.reference, ids, chosen.speed)

        for i, ids in enumerate(script.sentences):
            if progress is not None:
                progress(i, len(script.sentences))
            for prompt in make_prompts(script.reference, ids, self.config, predict):
                mel = self.sample(
                    prompt,
                    use_diffusion=chosen.use_diffusion,
                    num_iter=chosen.num_iter,
                    order=chosen.order,
                    diffusion_steps=chosen.diffusion_steps,
                    temperature=chosen.temperature,
                    temperature_schedule=chosen.temperature_schedule,
                    cfg=chosen.cfg,
                    cfg_schedule=chosen.cfg_schedule,
                    steps=chosen.steps,
                    method=chosen.method,
                    sway_coef=chosen.sway_coef,
                    seed=next(seeds),
                )
                yield self.decode(mel)
        if progress is not None:
            progress(len(script.sentences), len(script.sentences))

    def predict_frames(self, reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """How long a sentence takes: int64 [symbols], or [1] for "filler" models, in frames.

        Args:
            reference: the voice; its tempo is taken on.
            ids: int64 [symbols] of the sentence.
            speed: 2 is twice as fast; the reference's own speech is not changed.
        """
        predictor = self.duration_predictor
        if isinstance(predictor, PhoneDurationPredictor):
            text = np.concatenate((reference.ids, ids))[None]
            known = np.arange(len(text[0]))[None] < len(reference.ids)
            given = np.zeros(text.shape, dtype=np.float32)
            given[0, : len(reference.ids)] = reference.frames
            given, text, known = self.tensor(given), self.tensor(text), self.tensor(known)
            logs = np.array(predictor(text, given, known)[0, len(reference.ids) :])
        elif isinstance(predictor, DurationPredictor):
            text = np.concatenate((reference.ids, ids))[None]
            seconds = float(predictor(self.tensor(reference.mel[None]), self.tensor(text))[0])
            frames = (seconds * FRAME_RATE - len(reference.mel)) / speed
            return np.array([max(len(ids), round(frames))])
        elif self.config.text.alignment == "filler":
            frames = len(ids) * len(reference.mel) / max(1, len(reference.ids)) / speed
            return np.array([max(len(ids), round(frames))])
        else:
            logs = np.full(len(ids), np.log1p(len(reference.mel) / len(reference.ids)))
        return whole_frames(logs, speed, self.transformer.patch)

    def sample(
        self,
        prompt: Prompt,
        *,
        use_diffusion: bool = False,
        num_iter: int = DEFAULTS.num_iter,
        order: str = DEFAULTS.order,
        diffusion_steps: int = DEFAULTS.diffusion_steps,
        temperature: float = DEFAULTS.temperature,
        temperature_schedule: str = DEFAULTS.temperature_schedule,
        cfg: float | None = DEFAULTS.cfg,
        cfg_schedule: str = DEFAULTS.cfg_schedule,
        steps: int | None = DEFAULTS.steps,
        method: str | None = DEFAULTS.method,
        sway_coef: float | None = DEFAULTS.sway_coef,
        seed: int = DEFAULTS.seed,
    ) -> np.ndarray:
        """The log-mel float32 [frames, mel_dim] of what follows the reference: masked path or ODE.

        Where cfg, steps, method or sway_coef is None, it is that of `config.sampling`.
        """
        usual = self.config.sampling
        cfg = usual.cfg if cfg is None else cfg
        cond, visible, text = self.tensor(prompt.cond), self.tensor(prompt.visible), self.tensor(prompt.text)
        noise = Noise(seed, *prompt.cond.shape)
        if use_diffusion:
            if self.diffusion_module is None:
                raise UserError("this model has no diffusion head; it speaks without --use-diffusion")
            if self.diffusion_module.objective == "ddpm" and diffusion_steps < 2:
                raise UserError("a ddpm head needs at least 2 diffusion steps")
            plan = make_plan(~prompt.visible, num_iter, seed, cfg, cfg_schedule, order, temperature_schedule)
            states = mar.sample(
                self.transformer,
                self.diffusion_module,
                self.to_mel,
                cond,
                visible,
                text,
                plan,
                noise,
                diffusion_steps,
                temperature,
                self.config.residual_std,
            )
        else:
            method = usual.method if method is None else method
            steps = usual.steps if steps is None else steps
            times = ode_times(steps, usual.sway_coef if sway_coef is None else sway_coef)
            start = self.tensor(noise.initial)
            predict = self.config.predict
            states = flow.sample(self.transformer, cond, visible, text, start, times, method, cfg, predict)
        for state in states:
            mx.eval(state)
            tokens = state
        frames = tokens[prompt.start :].reshape(-1, self.transformer.mel_dim)
        return np.array(frames) * self.config.mel.std + self.config.mel.mean

    def decode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> float32 [samples], within [-1, 1]."""
        if self.vocoder is None:
            raise UserError("this model has no vocoder")
        wave = self.vocoder(self.tensor(mel.astype(np.float32)[None]))[0]
        return np.clip(np.array(wave), -1.0, 1.0)

    def tensor(self, array: np.ndarray) -> mx.array:
        """A numpy array for MLX."""
        return mx.array(array)
