"""A tiny checkpoint folder: complete, of the embedded model's kind, with random weights that speak babble."""

from __future__ import annotations

import importlib.util
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
from backends import NAMES, Backend, random_weights

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.checkpoints.tensors import BFLOAT16, DTYPES, cast, convert_layout, save_tensors
from nanospeech_core.config import (
    DiffLossConfig,
    DiTConfig,
    ModelConfig,
    PhoneDurationConfig,
    TextConfig,
    VocosConfig,
)
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.voices.store import Voice, save_voice

FRAMES = 6  # of each symbol, about
VOICE_SECONDS = 2.0


def tiny_config(**changes) -> ModelConfig:
    """The default config, shrunk; `changes` are fields of `ModelConfig`."""
    symbols = len(SYMBOLS)
    config = ModelConfig(
        name="tiny",
        text=TextConfig(vocab=SYMBOLS),
        transformer=DiTConfig(
            dim=32, depth=2, heads=2, dim_head=16, text_num_embeds=symbols, text_dim=16, conv_layers=1
        ),
        diffusion=DiffLossConfig(z_channels=32, depth=2, width=32),
        phone_duration=PhoneDurationConfig(dim=32, depth=2, heads=2, dim_head=16, text_num_embeds=symbols),
        vocoder=VocosConfig(dim=32, intermediate_dim=64, num_layers=2),
    )
    return replace(config, **changes)


def write_checkpoint(
    folder: Path, format: str = "pt", dtype: str = "F32", config: ModelConfig | None = None, seed: int = 0
) -> Path:
    """Write config, weights and two voices (heart, the default, and emma).

    The same seed gives the same weights in either format; one of the frameworks must be installed, for the
    names and the shapes.
    """
    config = config or tiny_config()
    name = next(name for name in NAMES if importlib.util.find_spec(name))
    backend = Backend(name)
    model = backend.module("nanospeech").Nanospeech.from_config(config)
    weights = tame(random_weights(backend.shapes(model), seed))
    weights = {
        key: cast(array, DTYPES[dtype]) for key, array in convert_layout(weights, "pt", format).items()
    }

    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    for prefix, file in (("vocoder.", "vocos"), ("aligner.", "aligner"), ("", "model")):
        part = {key: weights.pop(key) for key in list(weights) if key.startswith(prefix)}
        if part:
            named = {key.removeprefix(prefix): array for key, array in part.items()}
            save_tensors(folder / f"{file}.safetensors", named, {"format": format})
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    return folder


def tame(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Symbols of about `FRAMES` frames, utterances of 3 s, and a voice neither inaudible nor clipped."""
    weights = dict(weights)
    for name, factor, offset in (
        ("duration_predictor.to_pred", 0.05, np.log1p(FRAMES)),
        ("duration_predictor.to_pred.0", 30.0, 0.0),  # of original checkpoints; it has no bias
        ("vocoder.head.out", 0.3, 1.0),
    ):
        for key, add in ((f"{name}.weight", 0.0), (f"{name}.bias", offset)):
            if key in weights:
                weights[key] = (weights[key] * factor + add).astype(np.float32)
    return weights


def make_voice(name: str, language: str, text: str, phonemes: str, default: bool = False) -> Voice:
    """Two seconds of a buzz with noise, its phonemes spread evenly between two pauses."""
    rng = np.random.default_rng([len(name), len(phonemes)])
    time = np.arange(round(VOICE_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    wave = 0.1 * np.sign(np.sin(2 * np.pi * 150 * time)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    wave = (wave + 0.01 * rng.standard_normal(len(time))).astype(np.float32)
    count = len(phonemes) + 2
    durations = (VOICE_SECONDS / count,) * count
    return Voice(name, wave, text, phonemes, durations, language, f"{name}, a buzz", default)


def conv_tensors() -> dict[str, np.ndarray]:
    return {
        "conv.weight": np.arange(24.0).reshape(2, 3, 4),
        "linear.weight": np.arange(6.0).reshape(2, 3),
        "grn.gamma": np.arange(5.0).reshape(1, 1, 5),
        "bfloat16.weight": np.arange(24, dtype=np.uint16).reshape(2, 3, 4).view(BFLOAT16),
    }


def with_header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data
