"""Nanospeech with masked autoregressive diffusion: text and a voice in, a waveform out."""

from __future__ import annotations

from dataclasses import asdict

from torch import nn

from nanospeech_core.config import ModelConfig

from .diffloss import DiffLoss
from .dit import DiT
from .duration import DurationPredictor, DurationTransformer, PhoneDurationPredictor


class Nanospeech(nn.Module):
    """The whole system."""

    def __init__(
        self,
        transformer: DiT,
        diffusion_module: DiffLoss | None = None,
        duration_predictor: PhoneDurationPredictor | DurationPredictor | None = None,
        vocoder: nn.Module | None = None,
        config: ModelConfig | None = None,
    ):
        super().__init__()
        self.config = config or ModelConfig()
        self.transformer = transformer
        self.diffusion_module = diffusion_module
        self.to_mel = None
        if diffusion_module is not None and self.config.residual:
            self.to_mel = nn.Linear(transformer.dim, transformer.channels)
        self.duration_predictor = duration_predictor
        self.vocoder = vocoder

    @classmethod
    def from_config(cls, config: ModelConfig) -> Nanospeech:
        """The model that a config describes, with fresh weights and no vocoder."""
        duration = None
        if config.phone_duration is not None:
            duration = PhoneDurationPredictor(**asdict(config.phone_duration))
        elif config.duration is not None:
            duration = DurationPredictor(DurationTransformer(**asdict(config.duration)))
        head = None if config.diffusion is None else DiffLoss(**asdict(config.diffusion))
        return cls(DiT(**asdict(config.transformer)), head, duration, config=config)
