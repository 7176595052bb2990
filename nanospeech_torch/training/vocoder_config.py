"""The vocoder's training run, described by one TOML file, strictly read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nanospeech_core.config import VocosConfig

from .toml import read_toml


@dataclass(frozen=True)
class DataConfig:
    """Where the audio is and how it is cut."""

    sources: tuple[str, ...] = ()  # glob patterns of audio files, of folders of them, or of .tar shards
    max_hours: float = 20.0  # memory: one hour is 173 MB
    hold_out_every: int = 100  # about one recording in so many is kept for evaluation
    crop_frames: int = 56
    gain_db: float = 3.0  # each crop's level is changed by up to so much, either way


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with a linear warm-up and a cosine decay. With `minutes`, the decay follows the clock."""

    steps: int = 10000
    minutes: float = 0.0  # training ends, and the learning rate with it, after so long; 0: by steps alone
    batch_size: int = 16
    learning_rate: float = 1e-3
    final_learning_rate: float = 5e-5
    warmup_steps: int = 200
    beta1: float = 0.8
    beta2: float = 0.99
    weight_decay: float = 0.01
    clip_norm: float = 50.0
    ema: float = 0.999
    bf16: bool = False


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses. The adversarial ones begin at `adversarial_start` (a step); 0 means never.

    The discriminators see a corner of each batch, `adversarial_crops` of `adversarial_frames`: they cost more
    per second of audio than the vocoder does.
    """

    mel: float = 45.0
    stft: float = 20.0
    modulation: float = 20.0
    adversarial: float = 1.0
    features: float = 2.0
    adversarial_start: int = 0
    adversarial_crops: int = 12
    adversarial_frames: int = 24
    discriminator_width: int = 16
    discriminator_learning_rate: float = 2e-4


@dataclass(frozen=True)
class VocoderTrainingConfig:
    """The TOML file of `python -m nanospeech_torch.train_vocoder`."""

    out: str = "runs/vocoder"
    seed: int = 0
    device: str = "cpu"
    log_every: int = 50
    evaluate_every: int = 500
    evaluate_crops: int = 32
    checkpoint_minutes: float = 3.0
    data: DataConfig = field(default_factory=DataConfig)
    model: VocosConfig = field(default_factory=VocosConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    loss: LossConfig = field(default_factory=LossConfig)


def read_config(path: str | Path) -> VocoderTrainingConfig:
    """The config of a TOML file. Raises UserError for an unreadable file, an unknown key or a wrong type."""
    return read_toml(path, VocoderTrainingConfig)
