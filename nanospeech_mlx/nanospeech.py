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

from nanospeech_core import checkpoint
from nanospeech_core.config import ModelConfig
from nanospeech_core.edit import MARGIN
from nanospeech_core.edit import edit as edit_recording
from nanospeech_core.errors import UserError
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.narration import Narration, Speech
from nanospeech_core.options import DEFAULTS, GenerateOptions
from nanospeech_core.pieces import make_pieces
from nanospeech_core.plan import Noise, make_plan
from nanospeech_core.prompt import FRAME_RATE, Prompt, Reference, whole_frames
from nanospeech_core.refine import remask
from nanospeech_core.schedule import ode_times
from nanospeech_core.speech import read_script
from nanospeech_core.vocoder import load_with_vocoder
from nanospeech_core.voices import Voice, list_voices, user_folder, voices_folder

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
        """The checkpoint's voices, else the embedded ones, the default one first; then the user's own."""
        return list_voices(voices_folder(self.folder)) + list_voices(user_folder())

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
        return np.concatenate(list(self.stream(text, voice, **options)))

    def stream(
        self,
        text: str,
        voice: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        **options,
    ) -> Iterator[np.ndarray]:
        """Speak sentence by sentence, yielding float32 [samples] each; the arguments are those of `generate`.

        Concatenated they are what `generate` returns.

        progress: called with (sentences done, sentences in all) before each sentence and at the end.
        """
        for speech in self.speak(text, voice, progress, **options):
            yield speech.wave

    def speak(
        self,
        text: str,
        voice: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        **options,
    ) -> Iterator[Speech]:
        """`stream` with the text of each sentence, its words and phones and their times."""
        chosen = GenerateOptions(voice=voice, **options)
        align = None if self.aligner is None else self.aligner.align
        script = read_script(text, self.config, self.folder, chosen, align)
        seeds = itertools.count(chosen.seed)

        def predict(ids: np.ndarray) -> np.ndarray:
            return self.predict_frames(script.reference, ids, chosen.speed)

        narration = Narration(script, self.config)
        for i, line in enumerate(script.lines):
            if progress is not None:
                progress(i, len(script.lines))
            pieces = make_pieces(script.reference, line, self.config, predict)
            for piece in pieces:
                mel = self.sample(piece.prompt, seed=next(seeds), **chosen.sampling())
                last = i + 1 == len(script.lines) and piece is pieces[-1]
                yield narration.tell(piece, self.decode(piece.with_silences(mel)), i, last)
        if progress is not None:
            progress(len(script.lines), len(script.lines))

    def edit(
        self,
        wave: np.ndarray,
        text: str,
        edited: str,
        sample_rate: int = SAMPLE_RATE,
        margin: float = MARGIN,
        use_diffusion: bool | None = None,
        **options,
    ) -> np.ndarray:
        """Change words in a recording; all but those and a little around them stays, bit by bit.

        The arguments, what is returned and the errors are those of `nanospeech_core.edit.edit`.

        use_diffusion: None: where the model has a diffusion head.
        options: further fields of `GenerateOptions`; those of the voice say nothing here.
        """
        if use_diffusion is None:
            use_diffusion = self.diffusion_module is not None
        chosen = GenerateOptions(use_diffusion=use_diffusion, **options)
        return edit_recording(self, wave, text, edited, sample_rate, margin, chosen)

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
        refine: float | None = DEFAULTS.refine,
        refine_order: str = DEFAULTS.refine_order,
        seed: int = DEFAULTS.seed,
    ) -> np.ndarray:
        """The log-mel float32 [frames, mel_dim] from the first hidden token on: masked path, ODE, or both.

        With `refine` the ODE drafts, and the masked path draws that share of the draft's tokens anew. Where
        cfg, steps, method or sway_coef is None, it is that of `config.sampling`.
        """
        usual = self.config.sampling
        cfg = usual.cfg if cfg is None else cfg
        cond, visible, text = self.tensor(prompt.cond), self.tensor(prompt.visible), self.tensor(prompt.text)
        start, noise = prompt.start, Noise(seed, *prompt.cond.shape)
        masked = use_diffusion or refine is not None
        if masked and self.diffusion_module is None:
            flag = "--use-diffusion" if refine is None else "--refine"
            raise UserError(f"this model has no diffusion head; it speaks without {flag}")
        if masked and self.diffusion_module.objective == "ddpm" and diffusion_steps < 2:
            raise UserError("a ddpm head needs at least 2 diffusion steps")
        if refine is not None or not masked:
            method = usual.method if method is None else method
            steps = usual.steps if steps is None else steps
            times = ode_times(steps, usual.sway_coef if sway_coef is None else sway_coef)
            first, predict = self.tensor(noise.initial), self.config.predict
            latents = [first]
            states = flow.sample(self.transformer, cond, visible, text, first, times, method, cfg, predict)
            for tokens in states:
                mx.eval(tokens)
                latents.append(tokens)
        if refine is not None:
            prompt = remask(prompt, [self.array(x) for x in latents], times, refine, refine_order, seed)
            cond, visible = self.tensor(prompt.cond), self.tensor(prompt.visible)
        if masked:
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
            for tokens in states:
                mx.eval(tokens)
        frames = self.array(tokens[start:]).reshape(-1, self.transformer.mel_dim)
        return frames * self.config.mel.std + self.config.mel.mean

    def decode(self, mel: np.ndarray) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> float32 [samples], within [-1, 1]."""
        if self.vocoder is None:
            raise UserError("this model has no vocoder")
        wave = self.vocoder(self.tensor(mel.astype(np.float32)[None]))[0]
        return np.clip(self.array(wave), -1.0, 1.0)

    def tensor(self, array: np.ndarray) -> mx.array:
        """A numpy array for MLX."""
        return mx.array(array)

    def array(self, tensor: mx.array) -> np.ndarray:
        """An array of MLX as float32 numpy."""
        return np.array(tensor)
