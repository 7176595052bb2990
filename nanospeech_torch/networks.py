"""The model's networks as one module: built from a config, or loaded from a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from nanospeech_core.checkpoints.folder import resolve
from nanospeech_core.checkpoints.tensors import check_tensors
from nanospeech_core.checkpoints.vocoder import load_with_vocoder
from nanospeech_core.config import ModelConfig
from nanospeech_core.sampling.options import check_precision
from nanospeech_core.sampling.prompt import Prompt, collate
from nanospeech_core.strict import checked_call
from nanospeech_core.system.compiling import ByShape
from nanospeech_core.system.parallel import computes
from nanospeech_core.voices.reference_cache import ReferenceCache

from .models.aligner import Aligner
from .models.diffloss import DiffLoss
from .models.dit import DiT
from .models.duration import DurationPredictor, DurationTransformer, PhoneDurationPredictor
from .models.vocos import Vocos

PromptBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]
Model = TypeVar("Model", bound="Networks")


class Networks(nn.Module):
    """All networks of a model, and how they are loaded.

    Args:
        transformer: the network of all samplers.
        diffusion_module: the diffusion head; None: only the ODE works.
        duration_predictor: predicts the frames of each symbol, or the utterance's seconds (original
            checkpoints); None: the reference's mean duration.
        vocoder: log-mel to waveform; None: `sample` works, `generate` does not.
        config: the architecture, and the settings that the weights were trained with.
        aligner: finds the durations of reference recordings; None: they are distributed evenly.
    """

    def __init__(
        self,
        transformer: DiT,
        diffusion_module: DiffLoss | None = None,
        duration_predictor: PhoneDurationPredictor | DurationPredictor | None = None,
        vocoder: Vocos | None = None,
        config: ModelConfig | None = None,
        aligner: Aligner | None = None,
    ):
        super().__init__()
        self.config = config or ModelConfig()
        self.folder: str | os.PathLike | None = None
        self.references = ReferenceCache()
        self.compiled = False  # whether masked decoding is compiled
        self.compiled_step: ByShape | None = None  # made at its first use
        self.compiled_velocity: ByShape | None = None
        self.transformer = transformer
        self.diffusion_module = diffusion_module
        self.to_mel = None
        if diffusion_module is not None and self.config.residual:
            self.to_mel = nn.Linear(transformer.dim, transformer.channels)
        self.duration_predictor = duration_predictor
        self.vocoder = vocoder
        self.aligner = aligner

    @classmethod
    def from_config(cls: type[Model], config: ModelConfig) -> Model:
        """The model that a config describes, with newly initialized weights."""
        duration = None
        if config.phone_duration is not None:
            duration = PhoneDurationPredictor(**asdict(config.phone_duration))
        elif config.duration is not None:
            duration = DurationPredictor(DurationTransformer(**asdict(config.duration)))
        head = None if config.diffusion is None else DiffLoss(**asdict(config.diffusion))
        vocoder = None if config.vocoder is None else Vocos(**asdict(config.vocoder))
        aligner = None if config.aligner is None else Aligner(**asdict(config.aligner))
        return cls(DiT(**asdict(config.transformer)), head, duration, vocoder, config, aligner)

    @classmethod
    @checked_call()
    @computes
    def from_pretrained(
        cls: type[Model],
        model: str | os.PathLike | None = None,
        revision: str | None = None,
        vocoder: str | os.PathLike | None = None,
        compile: bool | None = None,
        precision: str | None = None,
    ) -> Model:
        """Load a checkpoint.

        Args:
            model: a folder or a hub id; None or "embedded": the embedded model.
            revision: of a hub id.
            vocoder: another Vocos, as `find_vocoder` takes it; None: the checkpoint's own, or for an original
                Nanospeech checkpoint the public one that belongs to it.
            compile: compile masked decoding and the ODE, once for each shape; segments are padded so that
                shapes are few. None: no.
            precision: the argument of `set_precision`; None: float32.
        Raises:
            UserError: the checkpoint is missing or incomplete, or an argument is wrong.
        """
        precision = "float32" if precision is None else precision
        check_precision(precision, compile)
        folder = resolve(model, revision)
        config, tensors = load_with_vocoder(folder, "pt", vocoder)
        result = cls.from_config(config)
        result.set_weights(tensors, folder)
        result.set_precision(precision)
        result.folder, result.compiled = folder, bool(compile)
        return result.eval()

    def set_weights(self, tensors: dict[str, np.ndarray], path: str | os.PathLike) -> None:
        """Set all weights. Raises UserError, naming tensor and path, if one is missing, unknown or of another
        shape.
        """
        own = self.state_dict()
        fitting = check_tensors(tensors, {name: tuple(value.shape) for name, value in own.items()}, path)
        for name, value in fitting.items():
            own[name].copy_(torch.from_numpy(value))

    @checked_call()
    def set_precision(self, precision: str) -> None:
        """Compute in float16, bfloat16 or float32: transformer, mel regression and diffusion head.

        Durations, vocoder and aligner stay float32, and so do the tokens between the steps.
        Raises UserError if the precision is unknown.
        """
        check_precision(precision)
        for part in (self.transformer, self.to_mel, self.diffusion_module):
            if part is not None:
                part.to(getattr(torch, precision))

    def collate(self, prompts: Sequence[Prompt], bucket: int = 1) -> PromptBatch:
        """cond, visible, text and mask of a batch: the result of `sampling.prompt.collate` as tensors."""
        *parts, mask = collate(prompts, self.transformer.patch, bucket)
        cond, visible, text = map(self.tensor, parts)
        return cond, visible, text, None if mask is None else self.tensor(mask)

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """A numpy array as a tensor on the device of the weights."""
        return torch.from_numpy(array).to(self.transformer.proj_out.weight.device)

    def array(self, tensor: torch.Tensor) -> np.ndarray:
        """A tensor as float32 numpy array."""
        return tensor.float().cpu().numpy()
