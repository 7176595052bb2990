"""The settings that every task has: [optimizer], [engine], [watch] and [data].

The acoustic model's own are in acoustic/config.py, the aligner's in aligner/config.py, the vocoder's in
vocoder/config.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from nanospeech_core.config import ModelConfig, one_of
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its schedule. With `minutes`, the schedule follows the clock too, and training ends when they
    are over.
    """

    steps: int = 100_000
    minutes: float = 0.0  # 0: steps alone count
    learning_rate: float = 8e-4
    final_learning_rate: float = 4e-5  # at the end of the cosine
    schedule: str = "cosine"  # or "constant"
    warmup: int = 300  # steps
    betas: tuple[float, ...] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the averaged weights, which are what is exported
    accumulate: int = 1  # batches in a step, on each process

    def __post_init__(self) -> None:
        one_of("optimizer.schedule", self.schedule, ("cosine", "constant"))
        if len(self.betas) != 2:
            raise UserError("config: optimizer.betas must be two numbers")
        least("optimizer", self, 1, "steps", "accumulate")
        least("optimizer", self, 0, "minutes", "final_learning_rate", "warmup", "weight_decay")
        positive("optimizer", self, "learning_rate", "clip")
        share("optimizer", self, "ema")


@dataclass(frozen=True)
class EngineConfig:
    """How the machine is used. `accelerate launch` or torchrun start several processes."""

    # "auto" (a GPU if there is one, else the CPU), "cpu", "cuda", "mps"; CUDA_VISIBLE_DEVICES selects the GPU
    device: str = "auto"
    # autocast: "fp32", "bf16", (GPU only) "fp16"; "auto": bf16 where the hardware has it, else fp16 on a GPU
    # and fp32 elsewhere
    precision: str = "auto"
    threads: int = 0  # CPU threads; 0: torch decides
    workers: int = 0  # processes that make the batches; 0: the training process makes them
    compile: bool = False  # torch.compile; set data.buckets too, or it compiles again for every length
    checkpoint_activations: bool = False  # recompute the blocks in the backward pass: less memory, slower
    checkpoint_minutes: float = 4.0  # between two checkpoints
    keep: int = 3  # checkpoints; older ones are deleted

    def __post_init__(self) -> None:
        one_of("engine.precision", self.precision, ("auto", "fp32", "bf16", "fp16"))
        one_of("engine.device", self.device, ("auto", "cpu", "cuda", "mps"))
        least("engine", self, 0, "threads", "workers", "checkpoint_minutes")
        least("engine", self, 1, "keep")


@dataclass(frozen=True)
class WatchConfig:
    """How a run is monitored. The intervals are in steps; 0 means never.

    Validation and samples come by the clock too: after 2 minutes of training, 4, 8, 16, ..., until
    `validate_minutes` or `sample_minutes` lie between two (0: by steps only).
    """

    log_every: int = 20
    validate_every: int = 500
    validate_minutes: float = 10.0
    sample_every: int = 2000  # audio and plots
    sample_minutes: float = 30.0
    samples: int = 2  # held-out utterances that are synthesized
    trackers: tuple[str, ...] = ()  # in addition to log.jsonl: "tensorboard", "wandb"
    eval_texts: str = ""  # JSONL of {lang, voice, text}; needs `asr`: word error rates
    eval_every: int = 2000
    eval_sentences: int = 8
    asr: str = ""  # a faster-whisper model: its name or folder

    def __post_init__(self) -> None:
        least("watch", self, 1, "log_every", "eval_sentences")
        least("watch", self, 0, "validate_every", "sample_every", "samples", "eval_every")
        least("watch", self, 0, "validate_minutes", "sample_minutes")
        for tracker in self.trackers:
            one_of("watch.trackers", tracker, ("tensorboard", "wandb"))
        if bool(self.asr) != bool(self.eval_texts):
            raise UserError("config: watch.asr and watch.eval_texts go together: set both, or neither")


@dataclass(frozen=True)
class DataConfig:
    """What to train on: prepared shards (see `python -m nanospeech_torch.prepare`)."""

    shards: tuple[str, ...] = ()  # glob patterns of tar files, or of folders of them or of audio + json
    held_out: int = 16  # utterances kept for validation
    max_seconds: float = 12.0  # of a training sequence: longer utterances are skipped, shorter ones joined
    batch_seconds: float = 60.0  # of padded audio in a batch, on each process
    # utterances of one voice joined in a sequence: the model learns to take a voice from what comes first
    max_joined: int = 3
    buckets: int = 0  # batches have only this many shapes, for engine.compile; 0: any shape
    memory_hours: float = 30.0  # a larger corpus is decoded in every epoch again (67 MB an hour)

    def __post_init__(self) -> None:
        least("data", self, 0, "held_out", "buckets", "memory_hours")
        least("data", self, 1, "max_joined")
        positive("data", self, "max_seconds", "batch_seconds")


def least(section: str, config: object, bound: float, *names: str) -> None:
    """Raise UserError if a setting is less than `bound`, or not finite."""
    check(section, config, names, lambda value: value >= bound, f"at least {bound}")


def positive(section: str, config: object, *names: str) -> None:
    """Raise UserError if a setting is not more than 0."""
    check(section, config, names, lambda value: value > 0, "more than 0")


def share(section: str, config: object, *names: str) -> None:
    """Raise UserError if a setting is not from 0 to 1."""
    check(section, config, names, lambda value: 0 <= value <= 1, "from 0 to 1")


def check(
    section: str, config: object, names: tuple[str, ...], valid: Callable[[float], bool], wanted: str
) -> None:
    """Raise UserError if a setting is not `valid`, which means `wanted`."""
    for name in names:
        value = getattr(config, name)
        if not (valid(value) and math.isfinite(value)):
            raise UserError(f"config: {f'{section}.{name}'.lstrip('.')} must be {wanted}, not {value}")


def complete(model: ModelConfig) -> ModelConfig:
    """The config of a model to be trained, with its vocabulary, checked against the sizes of the embeddings.

    A phoneme model's vocabulary is `nanospeech_core.text.symbols.SYMBOLS` unless the config lists another.
    """
    text = model.text
    if not text.vocab and text.kind == "phonemes":
        text = dataclasses.replace(text, vocab=SYMBOLS)
    if len(set(text.vocab)) != len(text.vocab) or any(len(symbol) != 1 for symbol in text.vocab):
        raise UserError("config: text.vocab must list single characters, each once")
    if " " not in text.vocab:
        raise UserError('config: text.vocab must list the symbols of the texts and the pause " "')
    for name in ("transformer", "phone_duration", "duration"):
        part = getattr(model, name)
        if part is not None and part.text_num_embeds != len(text.vocab):
            raise UserError(
                f"config: {name}.text_num_embeds is {part.text_num_embeds}, "
                f"but text.vocab has {len(text.vocab)} symbols"
            )
    return dataclasses.replace(model, text=text)
