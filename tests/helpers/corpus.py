"""A corpus for the tests of training: a tone for each symbol, a level for each voice, a little noise."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.config import DiffLossConfig, DiTConfig, ModelConfig, PhoneDurationConfig
from nanospeech_core.text.symbols import SYMBOLS

UNIT = 600  # samples
LETTERS = "abdefhijklmnopstuvwz"


def tone_utterance(rng: np.random.Generator, voice: str = "v0", letters: int = 6) -> tuple[np.ndarray, dict]:
    """float32 [samples] at 24 kHz, and its json."""
    phonemes = "".join(rng.choice(list(LETTERS), letters))
    durations = [int(d) for d in rng.integers(2, 6, letters + 2)]
    level = 0.1 + 0.1 * (sum(voice.encode()) % 5)
    time = np.arange(UNIT) / SAMPLE_RATE
    pieces = []
    for symbol, duration in zip(f" {phonemes} ", durations, strict=True):
        hz = 200.0 + 150.0 * LETTERS.find(symbol)
        tone = np.sin(2 * np.pi * hz * time) if symbol != " " else np.zeros(UNIT)
        pieces += [level * tone] * duration
    meta = {"text": phonemes, "voice": voice, "phonemes": phonemes, "durations": durations}
    wave = np.concatenate(pieces)
    wave += 0.003 * rng.normal(size=wave.shape)  # as in recordings: without it the mel shows rounding errors
    return wave.astype(np.float32), meta


def audio_bytes(
    wave: np.ndarray, rate: int = SAMPLE_RATE, form: str = "WAV", subtype: str | None = None
) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, wave, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def write_corpus(path: Path, count: int = 12, voices: int = 2, seed: int = 0, letters: int = 6) -> Path:
    """A shard of `count` utterances u000, u001, ... of the voices v0, v1, ... alternately."""
    rng = np.random.default_rng(seed)
    members = []
    for i in range(count):
        wave, meta = tone_utterance(rng, f"v{i % voices}", letters)
        members += [(f"u{i:03d}.wav", audio_bytes(wave)), (f"u{i:03d}.json", json.dumps(meta).encode())]
    return write_tar(path, members)


def small_model(**changes) -> ModelConfig:
    """A model of dim 32 that knows all symbols."""
    model = ModelConfig(
        transformer=DiTConfig(dim=32, depth=2, heads=2, dim_head=16, ff_mult=2, text_dim=16, conv_layers=1),
        diffusion=DiffLossConfig(z_channels=32, depth=2, width=32),
        phone_duration=PhoneDurationConfig(dim=32, depth=1, heads=2, dim_head=16, ff_mult=2),
        vocoder=None,
    )
    return replace(model, text=replace(model.text, vocab=SYMBOLS), **changes)


def frames_of(meta: dict) -> int:
    """Frames of the mel of a tone utterance."""
    return sum(meta["durations"]) * UNIT // HOP + 1
