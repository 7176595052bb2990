"""The acoustic model's training run, described by one TOML file, strictly read."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.text import SYMBOLS

from .toml import read_toml


@dataclass(frozen=True)
class DataConfig:
    """What to train on."""

    shards: tuple[str, ...] = ()  # glob patterns of WebDataset tar files, or of folders of audio + json
    held_out: int = 16  # utterances kept for validation
    max_seconds: float = 12.0  # of one training sequence: longer utterances are skipped, shorter ones joined
    batch_seconds: float = 60.0  # of padded audio in a batch
    max_joined: int = (
        3  # utterances of one voice in a sequence: all but the last are like a voice's reference
    )


@dataclass(frozen=True)
class LossConfig:
    """What is asked of the networks."""

    flow_share: float = 0.34  # of the rows of a batch; the others train the masked path
    drop: float = 0.1  # rows without text and visible tokens, for guidance
    span: float = 0.8  # rows with a visible span, 10 to 40% of the tokens, mostly at the front
    prefix: float = 0.7  # of those spans, the ones at the front
    visible_noise: float = 0.15  # scale of the half-normal std of the noise on visible tokens
    flow_time: tuple[float, ...] = (-0.8, 0.8)  # mean, std of the flow's logit-normal time (arXiv 2511.13720)
    head_time: tuple[float, ...] = (-0.4, 1.0)  # of the head's, for its "flow" objective
    draws: int = 3  # noise draws per token for the head (MAR's diffusion_batch_mul)
    head_weight: float = 1.0
    head_start: int = 200  # steps before the head's loss counts, ...
    head_ramp: int = 800  # ... and over which its weight then rises
    regression_weight: float = 1.0
    duration_weight: float = 0.5


@dataclass(frozen=True)
class TrainConfig:
    """A run. With `minutes`, the learning rate follows the clock too, and training ends with them."""

    out: str = "runs/acoustic"
    seed: int = 0
    steps: int = 100_000
    minutes: float = 0.0  # 0: by steps alone
    learning_rate: float = 8e-4
    final_learning_rate: float = 4e-5  # at the end of the cosine
    warmup: int = 300  # steps
    betas: tuple[float, ...] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0  # of the gradient's norm
    ema: float = 0.999
    bf16: bool = True
    device: str = "auto"  # "auto" (CUDA where there is one, else the CPU), or torch's name of one
    threads: int = 0  # of the CPU; 0 leaves torch's choice
    log_every: int = 20
    validate_every: int = 500
    checkpoint_minutes: float = 4.0
    keep: int = 3  # checkpoints
    eval_texts: str = (
        ""  # JSONL of {lang, voice, text}; with `asr`: word error rates every `eval_every` steps
    )
    eval_every: int = 2000
    eval_sentences: int = 8
    asr: str = ""  # a faster-whisper model: a name or a folder
    init_from: str = ""  # weights to start from: a trainer's checkpoint (.pt) or a checkpoint folder
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    model: ModelConfig = field(default_factory=ModelConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", complete(self.model))
        for wanted, (holds, names) in LIMITS.items():
            for name in names:
                value = value_of(self, name)
                if not (holds(value) and math.isfinite(value)):
                    raise UserError(f"config: {name} is {value}; it must be {wanted}")
        for name in ("betas", "loss.flow_time", "loss.head_time"):
            if len(value_of(self, name)) != 2:
                raise UserError(f"config: {name} must be two numbers")
        if bool(self.asr) != bool(self.eval_texts):
            raise UserError("config: asr and eval_texts go together: set both, or neither")
        if self.asr and not self.data.held_out:
            raise UserError(
                "config: an evaluation by asr speaks after held-out utterances: data.held_out is 0"
            )

    def to_dict(self) -> dict:
        return asdict(self)


# What every value must be; ranges of the model's are checked by `ModelConfig`.
LIMITS = {
    "at least 1": (
        lambda value: value >= 1,
        (
            *("steps", "log_every", "validate_every", "eval_every", "eval_sentences", "keep"),
            *("loss.draws", "data.max_joined"),
        ),
    ),
    "more than 0": (
        lambda value: value > 0,
        ("learning_rate", "clip", "data.max_seconds", "data.batch_seconds"),
    ),
    "at least 0": (
        lambda value: value >= 0,
        (
            *("seed", "minutes", "final_learning_rate", "warmup", "weight_decay", "threads"),
            *("checkpoint_minutes", "data.held_out", "loss.visible_noise", "loss.head_weight"),
            *("loss.head_start", "loss.head_ramp", "loss.regression_weight", "loss.duration_weight"),
        ),
    ),
    "from 0 to 1": (
        lambda value: 0 <= value <= 1,
        ("ema", "loss.flow_share", "loss.drop", "loss.span", "loss.prefix"),
    ),
}


def load_config(path: str | Path) -> TrainConfig:
    """Read a TOML file. An unknown key, a wrong type or value, bad TOML: a UserError that names it."""
    return read_toml(path, TrainConfig)


def complete(model: ModelConfig) -> ModelConfig:
    """The model to be trained: with its whole vocabulary, checked against the sizes of the embeddings.

    A phoneme model's vocabulary is `nanospeech_core.text.SYMBOLS` unless the config lists another.
    """
    text = model.text
    if text.alignment != "durations":
        raise UserError(f'config: text.alignment "{text.alignment}" cannot be trained here, only "durations"')
    if model.duration is not None:
        raise UserError("config: model.duration cannot be trained here; phone_duration takes its place")
    if not text.vocab and text.kind == "phonemes":
        text = dataclasses.replace(text, vocab=SYMBOLS)
    if len(set(text.vocab)) != len(text.vocab) or any(len(symbol) != 1 for symbol in text.vocab):
        raise UserError("config: text.vocab must list single characters, each once")
    if " " not in text.vocab:
        raise UserError('config: text.vocab must hold the symbols of the texts, the pause " " among them')
    for name in ("transformer", "phone_duration"):
        part = getattr(model, name)
        if part is not None and part.text_num_embeds != len(text.vocab):
            raise UserError(
                f"config: {name}.text_num_embeds is {part.text_num_embeds}, "
                f"but text.vocab has {len(text.vocab)} symbols"
            )
    return dataclasses.replace(model, text=text)


def value_of(config: TrainConfig, name: str):
    for part in name.split("."):
        config = getattr(config, part)
    return config
