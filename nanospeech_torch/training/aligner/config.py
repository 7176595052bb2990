"""The settings of the aligner's training run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from nanospeech_core.config import AlignerConfig, ModelConfig, TextConfig
from nanospeech_core.errors import UserError

from ..config import DataConfig, EngineConfig, OptimizerConfig, WatchConfig, complete, least, positive, share


@dataclass(frozen=True)
class AlignmentDataConfig(DataConfig):
    """As for any task, but utterances are not joined."""

    batch_seconds: float = 40.0
    max_joined: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_joined != 1:
            raise UserError("config: data.max_joined must be 1: an aligner is trained on single utterances")


@dataclass(frozen=True)
class AlignmentOptimizerConfig(OptimizerConfig):
    """As for any task, with defaults for a small network, which trains fast."""

    steps: int = 2000
    learning_rate: float = 2e-3
    warmup: int = 50
    weight_decay: float = 1e-3
    ema: float = 0.99


@dataclass(frozen=True)
class AlignmentEngineConfig(EngineConfig):
    """As for any task, but in float32: the losses sum over thousands of frames."""

    precision: str = "fp32"


@dataclass(frozen=True)
class AlignmentLossConfig:
    """The forward-sum loss, its prior at the start, and the loss that sharpens the alignment at the end."""

    prior_scale: float = 1.0  # omega of the beta-binomial prior (arXiv 2108.10447, 3.2)
    prior_steps: int = 800  # over which the prior fades: it ignores pauses and would shorten them
    blank: float = -1.0  # logit of a frame without symbol; lower, and one symbol soon takes all frames
    binarization: float = 0.0  # weight of the loss that moves the soft alignment to its best path
    binarization_start: int = 1200  # step at which it begins
    augment: float = 1.0  # strength of the mels' augmentation, for other voices and rooms

    def __post_init__(self) -> None:
        positive("loss", self, "prior_scale")
        least("loss", self, 0, "prior_steps", "binarization", "binarization_start")
        share("loss", self, "augment")


@dataclass(frozen=True)
class AlignmentConfig:
    """`task = "aligner"`: trains on text and audio only. Durations in the data serve for validation."""

    task: str = "aligner"
    out: str = "runs/aligner"
    seed: int = 0
    init_from: str = ""  # weights to start from: a run, a checkpoint (.pt), a folder, a hub id, or "embedded"
    data: AlignmentDataConfig = field(default_factory=AlignmentDataConfig)
    loss: AlignmentLossConfig = field(default_factory=AlignmentLossConfig)
    optimizer: AlignmentOptimizerConfig = field(default_factory=AlignmentOptimizerConfig)
    engine: AlignmentEngineConfig = field(default_factory=AlignmentEngineConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    text: TextConfig = field(default_factory=TextConfig)
    model: AlignerConfig = field(default_factory=AlignerConfig)

    def __post_init__(self) -> None:
        least("", self, 0, "seed")
        if self.text.alignment != "durations":
            raise UserError('config: text.alignment must be "durations" for an aligner')
        object.__setattr__(self, "text", self.full_model.text)
        if self.watch.asr:
            raise UserError("config: an aligner does not speak: watch.asr must be empty")
        if self.engine.compile:  # its batches rarely have equal shapes, and the network is small
            raise UserError("config: an aligner is not compiled: engine.compile must be false")

    @property
    def full_model(self) -> ModelConfig:
        """The config of an acoustic model with this aligner: reading the data needs it."""
        size = self.model.text_num_embeds
        base = ModelConfig(text=self.text, phone_duration=None, diffusion=None, vocoder=None)
        transformer = dataclasses.replace(base.transformer, text_num_embeds=size, patch=1)
        return complete(dataclasses.replace(base, transformer=transformer, aligner=self.model))
