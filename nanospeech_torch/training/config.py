"""The training run, described by one TOML file, strictly read."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nanospeech_core.config import ModelConfig, from_dict
from nanospeech_core.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class DataConfig:
    """What to train on."""

    shards: tuple[str, ...] = ()  # glob patterns of WebDataset tar files, or of folders of audio + json
    held_out: int = 16  # utterances kept for validation
    max_seconds: float = 12.0  # of one training sequence: longer utterances are skipped, shorter ones joined
    batch_seconds: float = 60.0  # of padded audio in a batch
    max_joined: int = (
        3  # utterances of one voice in a sequence, so that a reference before the text is familiar
    )


@dataclass(frozen=True)
class LossConfig:
    """What is asked of the networks."""

    flow_share: float = 0.34  # of the rows of a batch; the others train the masked path
    drop: float = 0.1  # rows without text and visible tokens, for guidance
    span: float = 0.8  # rows with a visible span, 10 to 40% of the tokens, mostly at the front
    prefix: float = 0.7  # of those spans, the ones at the front
    visible_noise: float = 0.15  # scale of the half-normal std of the noise on visible tokens
    flow_time: tuple[float, ...] = (
        -0.8,
        0.8,
    )  # mean and std of the flow path's logit-normal time (arXiv 2511.13720)
    head_time: tuple[float, ...] = (-0.4, 1.0)  # of the head's, for its "flow" objective
    draws: int = 3  # noise draws per token for the head (MAR's diffusion_batch_mul)
    head_weight: float = 1.0
    head_start: int = 200  # steps before the head's loss counts, ...
    head_ramp: int = 800  # ... and over which its weight then rises
    regression_weight: float = 1.0
    duration_weight: float = 0.5


@dataclass(frozen=True)
class TrainConfig:
    """A run. With `minutes`, the learning-rate schedule follows the clock and training stops when they are over."""

    out: str = "runs/default"
    seed: int = 0
    steps: int = 100_000
    minutes: float = 0.0  # 0: no limit
    learning_rate: float = 8e-4
    final_learning_rate: float = 0.05  # share of the peak at the end of the cosine
    warmup: int = 300
    betas: tuple[float, ...] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.999
    bf16: bool = True
    device: str = "auto"  # "cuda" where there is one, else "cpu"
    threads: int = 0  # of the CPU; 0 leaves torch's choice
    log_every: int = 20
    validate_every: int = 500
    checkpoint_minutes: float = 4.0
    keep: int = 3
    eval_texts: str = (
        ""  # JSONL of {id, lang, voice, text}; with `asr`, word error rate every `eval_every` steps
    )
    eval_every: int = 2000
    eval_sentences: int = 8
    asr: str = ""  # a faster-whisper model: a name or a folder
    init_from: str = ""  # a checkpoint whose weights to start from
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    model: ModelConfig = field(default_factory=ModelConfig)

    def to_dict(self) -> dict:
        return asdict(self)


def load_config(path: str | Path) -> TrainConfig:
    """Read a TOML file. Unknown keys, wrong types, bad TOML: a UserError that names them."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the config {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None
    return from_dict(TrainConfig, values, str(path))
