"""Golden values: what the embedded model's networks give for fixed inputs, by PyTorch in float32 on a CPU.

The inputs are computed here, from integers, so that they are the same on every machine. A part of each output
is in `golden.safetensors`, with the durations and the log-mel of a sentence. tests/helpers/doctor_golden.py
writes that file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.mel import log_mel
from ..sampling.noise import Noise
from ..sampling.options import GenerateOptions
from ..sampling.prompt import Prompt
from ..sampling.reveal import RevealPlan
from ..synthesis.backend import Backend
from ..voices.reference import Reference

FILE = Path(__file__).with_name("golden.safetensors")
KEPT = 128  # numbers of each output
TOKENS, MANY_TOKENS = 48, 1000  # of a prompt; positions to 1000 test the rotary embedding
SYMBOLS, FRAMES = 40, 64

SENTENCE = "The train leaves at nine."
# Written out, so that a new default does not change what is compared.
OPTIONS: dict[str, Any] = {
    "voice": "heart",
    "lang": "en-us",
    "sampler": "masked",
    "num_iter": 3,
    "order": "interleaved",
    "diffusion_steps": 4,
    "temperature": 0.3,
    "temperature_schedule": "constant",
    "cfg": 1.0,
    "speed": 1.0,
    "seed": 7,
}
_AREA = 2, 4  # frames and bins of the log-mel that are averaged
_FLOOR = -5.0  # of the log-mel: what is 60 dB below loud speech is as good as silence


class FixedNoise(Noise):
    """Noise that is computed from integers; a flow head needs no more than the initial noise."""

    def __init__(self, tokens: int, channels: int):
        self.seed, self.channels = 0, channels
        self.initial = numbers(3, tokens, channels)


def numbers(salt: int, *shape: int) -> np.ndarray:
    """float32 numbers of mean 0 and variance 1, evenly distributed: SplitMix64 (Steele et al., 2014)."""
    state = (np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(salt << 32)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = (state >> np.uint64(40)).astype(np.float64) / 2**24
    return ((uniform - 0.5) * 12**0.5).reshape(shape).astype(np.float32)


def ids(model: Backend, salt: int, count: int) -> np.ndarray:
    """Symbols of the vocabulary, int64 [count]."""
    share = numbers(salt, count) / 12**0.5 + 0.5
    return (share * (len(model.config.text.vocab) - 1)).astype(np.int64)


def make_prompt(model: Backend, tokens: int) -> Prompt:
    """A prompt whose first third is visible, with an id per frame."""
    shape = model.config.transformer
    visible = np.arange(tokens) < tokens // 3
    cond = numbers(1, tokens, shape.patch * shape.mel_dim) * visible[:, None]
    return Prompt(cond.astype(np.float32), visible, np.repeat(ids(model, 2, tokens), shape.patch))


def make_mel(model: Backend, salt: int) -> np.ndarray:
    """A log-mel of loud noise: float32 [frames, mel_dim]."""
    config = model.config.mel
    mel = config.mean + config.std * (1 + 0.5 * numbers(salt, FRAMES, model.config.transformer.mel_dim))
    return mel.astype(np.float32)


def transformer(model: Backend, tokens: int = TOKENS) -> np.ndarray:
    """One step of the flow ODE from time 0 to 1: the transformer's output."""
    prompt = make_prompt(model, tokens)
    noise = FixedNoise(*prompt.cond.shape).initial[None]
    return model.array(next(model.ode_steps([prompt], noise, [0.0, 1.0], "euler", 1.0)))


def head(model: Backend) -> np.ndarray:
    """Half of the masked tokens, sampled in one iteration under guidance."""
    prompt = make_prompt(model, TOKENS)
    rows = np.flatnonzero(~prompt.visible)[::2]
    plan = RevealPlan((rows,), (1.5,), (1.0,))
    tokens, _ = next(model.masked_steps([prompt], [plan], [FixedNoise(*prompt.cond.shape)], 3, 1.0))
    return model.array(tokens)[0, rows]


def durations(model: Backend) -> np.ndarray:
    """log(1 + frames) of symbols whose first half is known."""
    frames = 1 + np.abs(4 * numbers(5, SYMBOLS)).astype(np.int64)
    return model.infill_durations(ids(model, 4, SYMBOLS), frames, np.arange(SYMBOLS) < SYMBOLS // 2)


def vocoder(model: Backend) -> np.ndarray:
    """A waveform."""
    return model.decode(make_mel(model, 6))


def aligner(model: Backend) -> np.ndarray:
    """When each symbol of a voice's recording begins, in frames."""
    options = GenerateOptions(voice=OPTIONS["voice"])
    reference, _ = model.references.get(model.folder, options, "", model.config, model.aligner)
    assert model.aligner is not None  # the embedded model has an aligner
    return np.cumsum(model.aligner.align(reference.mel, reference.ids)).astype(np.float32)


NETWORKS: dict[str, Callable[[Backend], np.ndarray]] = {
    "transformer": transformer,
    "head": head,
    "durations": durations,
    "vocoder": vocoder,
}
# Only in float32: in every precision they are float32, or they take too long.
MORE_NETWORKS: dict[str, Callable[[Backend], np.ndarray]] = {
    "long_transformer": lambda model: transformer(model, MANY_TOKENS),
    "aligner": aligner,
}
ROUNDED = ("aligner",)  # whole frames: a rounding error may move one


def keep(output: np.ndarray) -> np.ndarray:
    """`KEPT` numbers of an output, spread over it; all of them if it has fewer."""
    flat = output.reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, min(KEPT, len(flat))).astype(np.int64)]


def coarse_mel(wave: np.ndarray) -> np.ndarray:
    """The log-mel of a waveform without its quietest parts, averaged over small areas."""
    mel = np.maximum(log_mel(wave), _FLOOR)
    frames, bins = (size // step for size, step in zip(mel.shape, _AREA, strict=True))
    cut = mel[: frames * _AREA[0], : bins * _AREA[1]]
    return cut.reshape(frames, _AREA[0], bins, _AREA[1]).mean(axis=(1, 3))


@contextmanager
def fixed_durations(model: Backend, frames: np.ndarray) -> Iterator[None]:
    """In the block, an utterance of as many symbols has these durations, int64 [symbols].

    They are predicted as well, for the time that it takes. On another device a duration may be rounded to
    another frame. That is as good, but another waveform.
    """
    predict = model.predict_frames

    def fixed(reference: Reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        predicted = predict(reference, ids, speed)
        return frames if predicted.shape == frames.shape else predicted

    model.predict_frames = fixed  # type: ignore[method-assign]  # of this object only
    try:
        yield
    finally:
        del model.predict_frames


def read() -> tuple[dict[str, np.ndarray], str]:
    """The golden values by name, the sentence's "mel" and "frames", and its phonemes."""
    from ..checkpoints.tensors import load_tensors

    tensors, metadata = load_tensors(FILE)
    return tensors, json.loads(metadata["phonemes"])


def relative_error(values: np.ndarray, golden: np.ndarray) -> float:
    """The largest difference, relative to the largest golden value; infinite where a value is not finite."""
    if values.shape != golden.shape or not np.isfinite(values).all():
        return float("inf")
    return float(np.abs(values - golden).max() / np.abs(golden).max())
