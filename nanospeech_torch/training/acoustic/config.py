"""The settings of the acoustic model's training run."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanospeech_core.config import ModelConfig, one_of
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import ORDERS

from ..config import (
    DataConfig,
    EngineConfig,
    OptimizerConfig,
    WatchConfig,
    check,
    complete,
    least,
    share,
)


@dataclass(frozen=True)
class AcousticLossConfig:
    """The losses, their weights, and how sequences are masked. A loss of weight 0 is not computed."""

    flow_share: float = 0.34  # of the rows of a batch; the others train the masked path
    drop: float = 0.1  # share of rows without text and visible tokens, for guidance
    span: float = 0.8  # share of rows with a visible span, 10 to 40% of the tokens
    prefix: float = 0.7  # share of the spans that are at the front
    # the masked path's share of masked tokens is distributed as the "cosine" of a uniform, or "uniform"
    mask_law: str = "cosine"
    # which tokens are masked: each row takes one of these orders, see generation's `order`: "random",
    # "interleaved", "blocks"
    mask_order: tuple[str, ...] = ("random",)
    visible_noise: float = 0.15  # scale of the half-normal std of the noise on visible tokens
    # visible tokens outside the span are moved towards the model's own mel regression by up to this share: a
    # low temperature generates tokens between the two. Costs a pass without gradients
    draft: float = 0.0
    flow_time: tuple[float, ...] = (-0.8, 0.8)  # mean, std of the flow's logit-normal time (arXiv 2511.13720)
    head_time: tuple[float, ...] = (-0.4, 1.0)  # of the head's, for its "flow" objective
    draws: int = 3  # noise samples per token for the head (MAR's diffusion_batch_mul)
    guidance: float = 0.0  # w of model guidance (arXiv 2502.12154): cfg 1 then equals cfg 1 / (1 - w)
    flow_weight: float = 1.0
    head_weight: float = 1.0  # of the diffusion loss
    head_start: int = 200  # step at which the head's loss begins
    head_ramp: int = 800  # steps over which its weight then rises
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
        # the model's own guided prediction is its target: from 1 on, training would diverge
        check("loss", self, ("guidance",), lambda w: 0 <= w < 1, "at least 0 and less than 1")


@dataclass(frozen=True)
class AcousticConfig:
    """`task = "acoustic"`: trains the DiT, the diffusion head, the mel regression, the duration predictor."""

    task: str = "acoustic"
    out: str = "runs/acoustic"
    seed: int = 0
    init_from: str = ""  # weights to start from: a run, a checkpoint (.pt), a folder, a hub id, or "embedded"
    frozen: tuple[str, ...] = ()  # parts that are not trained, by the start of their parameters' names
    data: DataConfig = field(default_factory=DataConfig)
    loss: AcousticLossConfig = field(default_factory=AcousticLossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    model: ModelConfig = field(default_factory=ModelConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", complete(self.model))
        if self.model.quantization is not None:
            raise UserError("config: a quantized model cannot be trained: remove model.quantization")
        least("", self, 0, "seed")
        if self.watch.asr and not self.data.held_out:
            raise UserError(
                "config: watch.asr needs held-out utterances as references: set data.held_out above 0"
            )
