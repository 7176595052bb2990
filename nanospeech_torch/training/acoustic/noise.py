"""The noise of a joint batch, drawn from the batch's seed on the batch's device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nanospeech_core.sampling.ddpm import TRAIN_STEPS

from ...nanospeech import Nanospeech
from .batch import JointBatch
from .config import AcousticLossConfig
from .masking import logit_normal


@dataclass(frozen=True)
class Noise:
    """All standard normal but the last two. m: the number of the batch's masked targets."""

    flow: Tensor  # [batch, tokens, channels]: the start of the flow's path
    visible: Tensor  # [batch, tokens, channels]: added to visible tokens, ...
    visible_scale: Tensor  # [batch, 1, 1]: ... scaled by this
    head: Tensor  # [draws x m, channels]
    head_time: Tensor  # [draws x m]: in (0, 1), or int64 steps of "ddpm"
    estimate_share: Tensor  # [batch, 1, 1]: uniform, how far visible tokens are moved to the model's estimate


def draw_noise(joint: JointBatch, model: Nanospeech, config: AcousticLossConfig) -> Noise:
    """The noise of a batch, on its device, from its seed."""
    tokens, head = joint.batch.tokens, model.diffusion_module
    generator = torch.Generator(tokens.device).manual_seed(joint.seed + 1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, device=tokens.device)

    rows = config.draws * len(joint.masks.masked_targets)
    if head is not None and head.objective == "ddpm":
        time = torch.randint(0, TRAIN_STEPS, (rows,), generator=generator, device=tokens.device)
    else:
        time = logit_normal(rows, config.head_time, generator)
    return Noise(
        flow=normal(*tokens.shape),
        visible=normal(*tokens.shape),
        visible_scale=normal(len(tokens), 1, 1),
        head=normal(rows if head is not None else 0, tokens.shape[-1]),
        head_time=time,
        estimate_share=torch.rand(len(tokens), 1, 1, generator=generator, device=tokens.device),
    )
