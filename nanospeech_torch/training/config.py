"""The settings of a training run: what every task has, and the acoustic model's own."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from nanospeech_core.config import ModelConfig, one_of
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import ORDERS
from nanospeech_core.text.symbols import SYMBOLS


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW and its schedule. With `minutes`, the schedule follows the clock too, and training ends with
    them.
    """

    steps: int = 100_000
    minutes: float = 0.0  # 0: by steps alone
    learning_rate: float = 8e-4
    final_learning_rate: float = 4e-5  # at the end of the cosine
    schedule: str = "cosine"  # or "constant"
    warmup: int = 300  # steps
    betas: tuple[float, ...] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0  # of the gradient's norm
    ema: float = 0.999
    accumulate: int = 1  # batches a step, on each process

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
    """How the machine is used. Several processes are started by `accelerate launch` or torchrun."""

    device: str = "auto"  # a GPU where there is one, else the CPU; or "cpu", "cuda", "mps". Which GPU is
    # chosen by CUDA_VISIBLE_DEVICES
    precision: str = "bf16"  # autocast: "fp32", "bf16" or (GPU only) "fp16"
    threads: int = 0  # of the CPU; 0 leaves torch's choice
    workers: int = 0  # processes that make the batches; 0: the training process does it
    compile: bool = False  # torch.compile; give data.buckets too, or every length is compiled anew
    checkpoint_activations: bool = False  # recompute the network's blocks backwards: less memory, slower
    checkpoint_minutes: float = 4.0
    keep: int = 3  # checkpoints

    def __post_init__(self) -> None:
        one_of("engine.precision", self.precision, ("fp32", "bf16", "fp16"))
        one_of("engine.device", self.device, ("auto", "cpu", "cuda", "mps"))
        least("engine", self, 0, "threads", "workers", "checkpoint_minutes")
        least("engine", self, 1, "keep")


@dataclass(frozen=True)
class WatchConfig:
    """What a run says of itself. The intervals are steps; 0 is never."""

    log_every: int = 20
    validate_every: int = 500
    sample_every: int = 2000  # audio and plots
    samples: int = 2  # of audio
    trackers: tuple[str, ...] = ()  # beside log.jsonl: "tensorboard", "wandb"
    eval_texts: str = ""  # JSONL of {lang, voice, text}; with `asr`: word error rates
    eval_every: int = 2000
    eval_sentences: int = 8
    asr: str = ""  # a faster-whisper model: a name or a folder

    def __post_init__(self) -> None:
        least("watch", self, 1, "log_every", "eval_sentences")
        least("watch", self, 0, "validate_every", "sample_every", "samples", "eval_every")
        for tracker in self.trackers:
            one_of("watch.trackers", tracker, ("tensorboard", "wandb"))
        if bool(self.asr) != bool(self.eval_texts):
            raise UserError("config: watch.asr and watch.eval_texts go together: set both, or neither")


@dataclass(frozen=True)
class DataConfig:
    """What to train on: prepared shards (see `python -m nanospeech_torch.prepare`)."""

    shards: tuple[str, ...] = ()  # glob patterns of tar files, or of folders of audio + json
    held_out: int = 16  # utterances kept for validation
    max_seconds: float = 12.0  # of one training sequence: longer utterances are skipped, shorter ones joined
    batch_seconds: float = 60.0  # of padded audio in a batch, on each process
    max_joined: int = (
        3  # utterances of one voice in a sequence: all but the last are like a voice's reference
    )
    buckets: int = 0  # 0: batches of any shape; else of so many shapes, for engine.compile
    memory_hours: float = 30.0  # more speech than this is decoded anew in every epoch (67 MB an hour)

    def __post_init__(self) -> None:
        least("data", self, 0, "held_out", "buckets", "memory_hours")
        least("data", self, 1, "max_joined")
        positive("data", self, "max_seconds", "batch_seconds")


@dataclass(frozen=True)
class LossConfig:
    """What is asked of the networks. A loss of weight 0 is not computed."""

    flow_share: float = 0.34  # of the rows of a batch; the others train the masked path
    drop: float = 0.1  # rows without text and visible tokens, for guidance
    span: float = 0.8  # rows with a visible span, 10 to 40% of the tokens, mostly at the front
    prefix: float = 0.7  # of those spans, the ones at the front
    mask_law: str = "cosine"  # share masked on the masked path: "cosine" of a uniform, or "uniform"
    # what of it, a draw of these for each row: as generation's `order`, "random", "interleaved" or "blocks"
    mask_order: tuple[str, ...] = ("random",)
    visible_noise: float = 0.15  # scale of the half-normal std of the noise on visible tokens
    # how far, at most, those that stand for generated ones are moved to the model's own regression of them:
    # what a low temperature generates lies between the two. Costs a pass without gradients
    draft: float = 0.0
    flow_time: tuple[float, ...] = (-0.8, 0.8)  # mean, std of the flow's logit-normal time (arXiv 2511.13720)
    head_time: tuple[float, ...] = (-0.4, 1.0)  # of the head's, for its "flow" objective
    draws: int = 3  # noise draws per token for the head (MAR's diffusion_batch_mul)
    guidance: float = 0.0  # w of model guidance (arXiv 2502.12154): cfg 1 then speaks as cfg 1 / (1 - w) does
    flow_weight: float = 1.0
    head_weight: float = 1.0  # of the diffusion loss
    head_start: int = 200  # steps before the head's loss counts, ...
    head_ramp: int = 800  # ... and over which its weight then rises
    regression_weight: float = 1.0
    duration_weight: float = 0.5

    def __post_init__(self) -> None:
        one_of("loss.mask_law", self.mask_law, ("cosine", "uniform"))
        for order in self.mask_order:
            one_of("loss.mask_order", order, ORDERS)
        if not self.mask_order:
            raise UserError(f"config: loss.mask_order must list some of {', '.join(ORDERS)}")
        for name in ("flow_time", "head_time"):
            if len(getattr(self, name)) != 2:
                raise UserError(f"config: loss.{name} must be two numbers")
        share("loss", self, "flow_share", "drop", "span", "prefix", "draft")
        least("loss", self, 1, "draws")
        least("loss", self, 0, "visible_noise", "flow_weight", "head_weight", "head_start")
        least("loss", self, 0, "head_ramp", "regression_weight", "duration_weight")
        # the model's own guided prediction is its target, so from 1 on it would run away
        check("loss", self, ("guidance",), lambda w: 0 <= w < 1, "at least 0 and less than 1")


@dataclass(frozen=True)
class AcousticConfig:
    """`task = "acoustic"`: the DiT, its diffusion head, the mel regression and the duration predictor,
    jointly.
    """

    task: str = "acoustic"
    out: str = "runs/acoustic"
    seed: int = 0
    init_from: str = ""  # weights to start from: a run, a checkpoint (.pt), a folder, a hub id, or "embedded"
    frozen: tuple[str, ...] = ()  # parts that keep their weights, by the start of the parameters' names
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    model: ModelConfig = field(default_factory=ModelConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", complete(self.model))
        if self.model.quantization is not None:
            raise UserError("config: model.quantization is of weights that are trained already; leave it out")
        least("", self, 0, "seed")
        if self.watch.asr and not self.data.held_out:
            raise UserError(
                "config: an evaluation by asr speaks after held-out utterances: data.held_out is 0"
            )


def least(section: str, config: object, bound: float, *names: str) -> None:
    """Raise UserError for a value below `bound`, or not finite."""
    check(section, config, names, lambda value: value >= bound, f"at least {bound}")


def positive(section: str, config: object, *names: str) -> None:
    check(section, config, names, lambda value: value > 0, "more than 0")


def share(section: str, config: object, *names: str) -> None:
    check(section, config, names, lambda value: 0 <= value <= 1, "from 0 to 1")


def check(
    section: str, config: object, names: tuple[str, ...], holds: Callable[[float], bool], wanted: str
) -> None:
    for name in names:
        value = getattr(config, name)
        if not (holds(value) and math.isfinite(value)):
            raise UserError(f"config: {f'{section}.{name}'.lstrip('.')} is {value}; it must be {wanted}")


def complete(model: ModelConfig) -> ModelConfig:
    """The model to be trained: with its whole vocabulary, checked against the sizes of the embeddings.

    A phoneme model's vocabulary is `nanospeech_core.text.symbols.SYMBOLS` unless the config lists another.
    """
    text = model.text
    if not text.vocab and text.kind == "phonemes":
        text = dataclasses.replace(text, vocab=SYMBOLS)
    if len(set(text.vocab)) != len(text.vocab) or any(len(symbol) != 1 for symbol in text.vocab):
        raise UserError("config: text.vocab must list single characters, each once")
    if " " not in text.vocab:
        raise UserError('config: text.vocab must hold the symbols of the texts, the pause " " among them')
    for name in ("transformer", "phone_duration", "duration"):
        part = getattr(model, name)
        if part is not None and part.text_num_embeds != len(text.vocab):
            raise UserError(
                f"config: {name}.text_num_embeds is {part.text_num_embeds}, "
                f"but text.vocab has {len(text.vocab)} symbols"
            )
    return dataclasses.replace(model, text=text)
