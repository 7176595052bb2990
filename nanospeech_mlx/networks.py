"""The model's networks as one module: built from a config, or loaded from a checkpoint."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeVar

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

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

from .device import kernels
from .device.defaults import defaults, limit_cache
from .device.threads import free_streams_at_thread_end
from .models.aligner import Aligner
from .models.diffloss import DiffLoss
from .models.dit import DiT
from .models.duration import DurationPredictor, DurationTransformer, PhoneDurationPredictor
from .models.fusion import fuse_layers, separate_layers
from .models.quantization import use_quantized_layers
from .models.vocos import Vocos

PromptBatch = tuple[mx.array, mx.array, mx.array, mx.array | None]
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
        self.compiled: bool | None = False  # whether to compile; None: see `kernels.use_compiled`
        self.compiled_parts = kernels.CompiledParts()
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
        free_streams_at_thread_end()
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
            compile: compile the networks, once for each shape; segments are padded so that shapes are few.
                On a CPU nothing is compiled, because it would not be faster; a warning says so. None: on a
                GPU, where sentences are not compiled until all kernels have been, in the background.
            precision: the argument of `set_precision`; None: float16 on a GPU, else float32.
        Raises:
            UserError: the checkpoint is missing or incomplete, or an argument is wrong.
        """
        precision = defaults().precision if precision is None else precision
        check_precision(precision, compile)
        folder = resolve(model, revision)
        config, tensors = load_with_vocoder(folder, "mlx", vocoder)
        result = cls.from_config(config)
        result.set_weights(tensors, folder)
        result.set_precision(precision)
        if compile and not kernels.on_gpu():
            warnings.warn(
                "MLX compiles for a GPU only, and there is none here: --compile has no effect", stacklevel=2
            )
        result.folder = folder
        result.compiled = (
            None if compile is None and defaults().compile else bool(compile and kernels.on_gpu())
        )
        limit_cache()
        result.eval()
        if result.compiled is not False:  # while the text is being read
            kernels.compile_in_background(result)
        return result

    def set_weights(self, tensors: dict[str, np.ndarray], path: str | os.PathLike) -> None:
        """Set all weights. Raises UserError, naming tensor and path, if one is missing, unknown or of another
        shape.
        """
        separate_layers(self)
        if self.config.quantization is not None:
            use_quantized_layers(self, self.config.quantization, tensors)
        own = dict(tree_flatten(self.parameters()))
        fitting = check_tensors(tensors, {name: value.shape for name, value in own.items()}, path)
        taken = []
        for name, value in fitting.items():  # one at a time, without a copy if none is needed
            kept = value.dtype in (np.float32, np.uint32)
            taken.append((name, mx.array(value if kept else value.astype(np.float32))))
        self.update(tree_unflatten(taken))
        fuse_layers(self)

    @checked_call()
    def set_precision(self, precision: str) -> None:
        """Compute in float16, bfloat16 or float32: transformer, mel regression, diffusion head and vocoder.

        Durations, aligner and the vocoder's spectrum stay float32, and so do the tokens between the steps.
        The codes of quantized weights stay. Raises UserError if the precision is unknown.
        """
        check_precision(precision)
        free_streams_at_thread_end()
        backbone = None if self.vocoder is None else self.vocoder.backbone
        for part in (self.transformer, self.to_mel, self.diffusion_module, backbone):
            if part is not None:
                part.set_dtype(getattr(mx, precision))
                mx.eval(part.parameters())  # else MLX also keeps the float32 weights until the first use

    def collate(self, prompts: Sequence[Prompt], bucket: int = 1) -> PromptBatch:
        """cond, visible, text and mask of a batch: the result of `sampling.prompt.collate` as tensors."""
        *parts, mask = collate(prompts, self.transformer.patch, bucket)
        cond, visible, text = map(self.tensor, parts)
        return cond, visible, text, None if mask is None else self.tensor(mask)

    def tensor(self, array: np.ndarray) -> mx.array:
        """A numpy array as an MLX array."""
        free_streams_at_thread_end()
        return mx.array(array)

    def array(self, tensor: mx.array) -> np.ndarray:
        """An MLX array as float32 numpy array."""
        free_streams_at_thread_end()
        mx.async_eval(tensor)
        mx.synchronize()  # waits without Python's lock; np.array would hold it
        return np.array(tensor)
