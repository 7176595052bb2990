"""Nanospeech: the networks, and how they turn text and a voice into a waveform."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
import numpy as np

from nanospeech_core.audio.mel import FRAME_RATE
from nanospeech_core.errors import UserError
from nanospeech_core.pipeline import Pipeline
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.prompt import Prompt, pad
from nanospeech_core.sampling.reveal import RevealPlan
from nanospeech_core.speech.speech import Speech
from nanospeech_core.synthesis.prompts import whole_frames
from nanospeech_core.synthesis.streaming import convolution_reach
from nanospeech_core.system.compiling import TOKENS, ByShape
from nanospeech_core.system.parallel import cpus
from nanospeech_core.voices.reference import Reference
from nanospeech_core.voices.store import Voice

from .device import kernels
from .device.defaults import finish_step, free_memory
from .models.duration import DurationPredictor, PhoneDurationPredictor
from .models.vocos import inner_frames
from .networks import Networks
from .sampling import bucketed, flow, mar


class Nanospeech(Networks, Pipeline):
    """Text-to-speech. `Pipeline` has the public methods; these here are the ones that use the networks.

    The arguments are those of `Networks`.
    """

    def predict_frames(self, reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """The durations of an utterance in frames: int64 [symbols], or their sum [1] for "filler" models.

        Args:
            reference: the voice, whose tempo is kept.
            ids: int64 [symbols] of the utterance.
            speed: 2 is twice as fast.
        """
        text = np.concatenate((reference.ids, ids))
        if isinstance(self.duration_predictor, DurationPredictor):
            mel = self.tensor(reference.mel[None])
            seconds = float(self.duration_predictor(mel, self.tensor(text[None]))[0])
            total = (seconds * FRAME_RATE - len(reference.mel)) / speed
            return np.array([max(len(ids), round(total))])
        if self.config.text.alignment == "filler":
            total = len(ids) * len(reference.mel) / max(1, len(reference.ids)) / speed
            return np.array([max(len(ids), round(total))])
        known = np.arange(len(text)) < len(reference.ids)
        frames = np.concatenate((reference.durations, np.zeros(len(ids), np.int64)))
        logs = self.infill_durations(text, frames, known)[len(reference.ids) :]
        return whole_frames(logs, speed * reference.tempo, self.transformer.patch)

    def infill_durations(self, ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray:
        """log(1 + frames) of each symbol, float32 [symbols], predicted from the known durations.

        Args:
            ids: int64 [symbols] with their pauses.
            frames: of each symbol [symbols], used where known.
            known: bool [symbols].
        """
        predictor = self.duration_predictor
        if not isinstance(predictor, PhoneDurationPredictor):
            return np.full(len(ids), np.log1p(frames[known].mean()), np.float32)
        compiled = self.compiled_parts.get("durations", bucketed.compile_durations, predictor, self.compiled)
        if compiled is not None:
            return self.array(bucketed.infill(compiled, ids, frames, known)[0])
        durations = self.tensor(frames[None].astype(np.float32))
        return self.array(predictor(self.tensor(ids[None]), durations, self.tensor(known[None]))[0])

    def begin_batch(self) -> None:
        """From the second batch on, MLX's kernels are compiled in the background (on a GPU)."""
        kernels.compile_from_second_sentence(self)

    def ode_steps(
        self, prompts: Sequence[Prompt], noise: np.ndarray, times: list[float], method: str, cfg: float
    ) -> Iterator[mx.array]:
        """The tokens [batch, tokens, channels] after each step of the flow ODE; see `Backend`."""
        velocity = self.get_compiled_velocity()
        bucket = TOKENS if velocity is not None and self.transformer.mask_padding else 1
        cond, visible, text, mask = self.collate(prompts, bucket)
        start, predict = self.tensor(pad([*noise], cond.shape[1])), self.config.predict
        before = None
        for tokens in flow.sample(
            self.transformer, cond, visible, text, start, times, method, cfg, predict, mask, velocity
        ):
            finish_step(tokens, before)
            before = tokens
            yield tokens

    def masked_steps(
        self,
        prompts: Sequence[Prompt],
        plans: Sequence[RevealPlan],
        noises: Sequence[Noise],
        diffusion_steps: int,
        temperature: float,
    ) -> Iterator[tuple[mx.array, mx.array]]:
        """Tokens and estimate, [batch, tokens, channels], after each iteration; see `Backend`."""
        assert self.diffusion_module is not None  # `sample_steps` checks it
        step = self.get_compiled_step()
        # without a mask, padding would change the speech
        bucket = TOKENS if step is not None and self.transformer.mask_padding else 1
        cond, visible, text, mask = self.collate(prompts, bucket)
        before = None
        for tokens, estimate in mar.sample(
            self.transformer,
            self.diffusion_module,
            self.to_mel,
            cond,
            visible,
            text,
            plans,
            noises,
            diffusion_steps,
            temperature,
            self.config.residual_std,
            mask,
            step,
            self.compiled_parts.get("text", bucketed.compile_text, self.transformer, self.compiled),
        ):
            finish_step(tokens, before)
            before = tokens
            yield tokens, estimate

    def decode(self, mel: np.ndarray, before: bool = False, after: bool = False) -> np.ndarray:
        """Log-mel [frames, mel_dim] -> float32 [samples], within [-1, 1]; see `Backend`."""
        return self.decode_mel(self.tensor(mel.astype(np.float32)[None]), before, after)

    def decode_tokens(self, tokens: mx.array, prompt: Prompt) -> np.ndarray:
        """The waveform of a prompt's masked tokens; see `Backend`."""
        new = tokens[:, prompt.start : len(prompt.cond)].reshape(1, -1, self.transformer.mel_dim)
        return self.decode_mel(new * self.config.mel.std + self.config.mel.mean)

    def decode_mel(self, mel: mx.array, before: bool = False, after: bool = False) -> np.ndarray:
        """Log-mel [1, frames, mel_dim] -> float32 [samples], within [-1, 1]; see `Backend.decode`."""
        if self.vocoder is None:
            raise UserError("this model has no vocoder")
        vocoder = self.vocoder
        compiled = self.compiled_parts.get("vocoder", bucketed.compile_vocoder, vocoder, self.compiled)
        if compiled is None:
            wave = vocoder(mel, inner=inner_frames(before, after))
        else:
            wave = bucketed.vocode(compiled, mel, vocoder.head.hop_length)
            cut = convolution_reach(len(vocoder.backbone.convnext)) * vocoder.head.hop_length
            wave = wave[:, cut * before : wave.shape[1] - cut * after]
        return np.clip(self.array(wave[0]), -1.0, 1.0)

    def get_compiled_step(self) -> ByShape | None:
        """The compiled iteration of masked decoding, the same object each time; None if not compiled."""
        if not kernels.use_compiled(self.compiled):
            return None
        if self.compiled_step is None and self.diffusion_module is not None:
            self.compiled_step = mar.compile_step(
                self.transformer, self.diffusion_module, self.to_mel, self.config.residual_std
            )
        return self.compiled_step

    def get_compiled_velocity(self) -> ByShape | None:
        """The same for the velocity of the flow ODE."""
        if not kernels.use_compiled(self.compiled):
            return None
        if self.compiled_velocity is None:
            self.compiled_velocity = flow.compile_velocity(self.transformer, self.config.predict)
        return self.compiled_velocity

    def default_workers(self) -> int:
        """How many sentences to generate at once: two on a CPU, as each computes in one thread."""
        return 1 if kernels.on_gpu() else min(2, cpus())

    def free_memory(self) -> None:
        """Free the buffers of the last sentence on a CPU, where the next sentence has other sizes."""
        free_memory()


def say(text: str, voice: str | Voice | None = None, play: bool = True, **options: Any) -> Speech:
    """Speak a text with the embedded model, which is loaded once; see `Pipeline.say`."""
    return _embedded().say(text, voice, play, **options)


@functools.cache
def _embedded() -> Nanospeech:
    return Nanospeech.from_pretrained()
