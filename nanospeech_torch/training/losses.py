"""The joint loss: flow matching on some rows of a batch, the masked path on the others, durations on all.

The masked path is trained by the diffusion loss and by the mel regression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nanospeech_core.schedule import TRAIN_STEPS

from .. import flow
from ..nanospeech import Nanospeech
from .config import LossConfig
from .data import Batch


@dataclass
class Masks:
    """What each row is trained on. All [batch] or [batch, tokens]."""

    is_flow: Tensor  # bool [batch]: rows of the flow path
    drop: Tensor  # bool [batch]: rows without text and visible tokens
    visible: Tensor  # bool [batch, tokens]
    target: Tensor  # bool [batch, tokens]: real tokens that are not visible


def draw_masks(batch: Batch, config: LossConfig, flow_share: float, generator: torch.Generator) -> Masks:
    """Spans to infill and, on the masked path, random masks whose masked share is cos(pi/2 u), u uniform.

    The random masks are MaskGIT's (arXiv 2202.04200), whose reveal schedule generation follows.

    Args:
        batch: of which `mask` and `first` are read.
        config: how often there is a span, where, and how often a row is dropped.
        flow_share: share of the rows that train the flow path, exact on average.
        generator: of the CPU.
    """
    rows, tokens = batch.mask.shape
    mask, first = batch.mask.cpu(), batch.first.cpu()
    position = torch.arange(tokens)[None]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    flow_rows = math.floor(rows * flow_share + float(uniform(1)))
    is_flow = torch.randperm(rows, generator=generator) < flow_rows

    length = mask.sum(1)
    width = (length * (0.1 + 0.3 * uniform(rows))).long()
    in_front = uniform(rows) < config.prefix
    begin = torch.where(in_front, 0.0, uniform(rows) * (length - width)).long()
    # half of the joined sequences show their first utterance whole: that is how a reference voice will look
    whole = (first > 0) & in_front & (uniform(rows) < 0.5)
    width = torch.where(whole, first, width)
    has_span = (uniform(rows) < config.span)[:, None]
    visible = has_span & (position >= begin[:, None]) & (position < (begin + width)[:, None])

    masked_share = torch.cos(math.pi / 2 * uniform(rows))
    revealed = uniform(rows, tokens) >= masked_share[:, None]
    visible = visible | (revealed & ~is_flow[:, None])

    drop = uniform(rows) < config.drop
    visible = visible & mask & ~drop[:, None]
    # a row with nothing left to learn shows nothing instead
    full = (visible == mask).all(1)
    visible = visible & ~full[:, None]
    device = batch.tokens.device
    return Masks(is_flow.to(device), drop.to(device), visible.to(device), (mask & ~visible).to(device))


def joint_loss(
    model: Nanospeech, batch: Batch, config: LossConfig, head_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch, from one transformer pass for both paths.

    Args:
        model: without a diffusion head, all rows train the flow path.
        batch: on the model's device.
        config: weights and shares.
        head_weight: w(step) of the diffusion loss.
        generator: of the CPU; all masks, times and noises are drawn from it.
    Returns:
        the loss, and its unweighted parts that this batch has: detached scalars.
    """
    flow_share = config.flow_share if model.diffusion_module is not None else 1.0
    masks = draw_masks(batch, config, flow_share, generator)
    tokens, transformer = batch.tokens, model.transformer
    rows = len(tokens)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(tokens.device)

    noise = normal(*tokens.shape)
    time = logit_normal(rows, config.flow_time, generator).to(tokens.device)
    time = torch.where(masks.is_flow, time, 0.0)
    noised = flow.interpolate(tokens, noise, time)
    x = torch.where(masks.is_flow[:, None, None], noised, 0.0)  # the masked path has no noised input
    # what is visible when speaking was generated, so it is never quite right
    spoiled = tokens + (config.visible_noise * normal(rows, 1, 1).abs()) * normal(*tokens.shape)
    cond = torch.where(masks.visible[..., None], spoiled, 0.0)

    text_embed = transformer.embed_text(batch.text, tokens.shape[1], masks.drop, batch.mask)
    modulations = transformer.modulations(time)
    z = transformer.hidden(x, cond, masks.visible, text_embed, modulations, batch.mask)

    parts: dict[str, Tensor] = {}
    total = torch.zeros((), device=tokens.device)
    picked = masks.target & masks.is_flow[:, None]
    if picked.any():
        prediction = transformer.proj_out(z).float()
        parts["flow"] = flow.loss(prediction, tokens, noise, time, model.config.predict)[picked].mean()
        total = total + parts["flow"]
    picked = masks.target & ~masks.is_flow[:, None]
    if model.diffusion_module is not None and picked.any():
        z_picked, clean = z[picked], tokens[picked]
        if model.to_mel is not None:
            base = model.to_mel(z_picked).float()
            parts["regression"] = F.l1_loss(base, clean)
            total = total + config.regression_weight * parts["regression"]
            clean = (clean - base.detach()) / model.config.residual_std
        if head_weight > 0:
            parts["head"] = head_loss(model, z_picked, clean, config, generator)
            total = total + head_weight * parts["head"]
    if model.duration_predictor is not None:
        parts["duration"] = duration_loss(model, batch, generator)
        total = total + config.duration_weight * parts["duration"]
    return total, {name: value.detach() for name, value in parts.items()}


def head_loss(
    model: Nanospeech, z: Tensor, clean: Tensor, config: LossConfig, generator: torch.Generator
) -> Tensor:
    """The diffusion loss of tokens [rows, channels], each under `config.draws` noises."""
    head = model.diffusion_module
    z, clean = z.repeat(config.draws, 1), clean.repeat(config.draws, 1)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    if head.objective == "flow":
        t = logit_normal(len(clean), config.head_time, generator)
    else:
        t = torch.randint(0, TRAIN_STEPS, (len(clean),), generator=generator)
    return head.loss(clean, z, t.to(clean.device), noise)["loss"].mean()


def duration_loss(model: Nanospeech, batch: Batch, generator: torch.Generator) -> Tensor:
    """Smooth L1 of log(1 + frames) over the symbols whose durations are hidden.

    Shown are those of a sequence's first utterance, as of a reference, or of at most the first half; in a
    tenth of the rows none.
    """
    rows, symbols = batch.ids.shape
    real = batch.ids >= 0
    length, first = real.sum(1).cpu(), batch.first_symbols.cpu()
    share = 0.5 * torch.rand(rows, generator=generator)
    shown = torch.where(first > 0, first, (length * share).long())
    shown = torch.where(torch.rand(rows, generator=generator) < 0.1, 0, shown)
    known = (torch.arange(symbols)[None] < shown[:, None]).to(real.device) & real
    prediction = model.duration_predictor(batch.ids, batch.frames, known, real).float()
    hidden = real & ~known
    error = F.smooth_l1_loss(prediction, torch.log1p(batch.frames), reduction="none", beta=0.1)
    return (error * hidden).sum() / hidden.sum().clamp(min=1)


def logit_normal(rows: int, mean_std: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Times [rows] in (0, 1) whose logits are normal (arXiv 2403.03206, 3.1)."""
    mean, std = mean_std
    return (mean + std * torch.randn(rows, generator=generator)).sigmoid()
