"""The joint loss: flow matching on some rows of the batch, the masked path (DiffLoss and mel regression) on the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

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


def draw_masks(batch: Batch, config: LossConfig, generator: torch.Generator) -> Masks:
    """Spans to infill and, for the masked path, MAR's random masks whose masked share is cos(pi/2 u), u uniform."""
    rows, tokens = batch.mask.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    mask = batch.mask.cpu()
    length = mask.sum(1)
    position = torch.arange(tokens)[None]

    width = (length * (0.1 + 0.3 * uniform(rows))).long()
    begin = torch.where(uniform(rows) < config.prefix, 0.0, uniform(rows) * (length - width)).long()
    # a joined sequence often shows its first utterance whole: that is how a reference voice will look
    whole = (batch.first.cpu() > 0) & (begin == 0) & (uniform(rows) < 0.5)
    width = torch.where(whole, batch.first.cpu(), width)
    width = torch.where(uniform(rows) < config.span, width, torch.zeros_like(width))
    visible = (position >= begin[:, None]) & (position < (begin + width)[:, None])

    is_flow = (
        torch.arange(rows) < max(1, round(rows * config.flow_share))
        if rows > 1
        else uniform(1) < config.flow_share
    )
    is_flow = is_flow[torch.randperm(rows, generator=generator)]
    masked_share = torch.cos(math.pi / 2 * uniform(rows))
    revealed = uniform(rows, tokens) > masked_share[:, None]
    visible = visible | (revealed & ~is_flow[:, None])

    drop = uniform(rows) < config.drop
    visible = visible & mask & ~drop[:, None]
    target = mask & ~visible
    # a row with nothing left to learn shows nothing instead
    empty = target.sum(1) == 0
    visible = visible & ~empty[:, None]
    target = mask & ~visible
    device = batch.tokens.device
    return Masks(is_flow.to(device), drop.to(device), visible.to(device), target.to(device))


def joint_loss(
    model: Nanospeech, batch: Batch, config: LossConfig, head_weight: float, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch and its parts (detached scalars), one transformer pass for both paths.

    head_weight: w(step) of the diffusion loss.
    """
    masks = draw_masks(batch, config, generator)
    tokens, device = batch.tokens, batch.tokens.device
    rows = len(tokens)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(device)

    noise = normal(*tokens.shape)
    time = torch.where(masks.is_flow, logit_normal(rows, config.flow_time, generator).to(device), 0.0)
    x = torch.where(
        masks.is_flow[:, None, None], flow.interpolate(tokens, noise, time), torch.zeros_like(tokens)
    )
    # what is visible when speaking was generated, so it is never quite right
    spoiled = tokens + (config.visible_noise * normal(rows, 1, 1).abs()) * normal(*tokens.shape)
    cond = torch.where(masks.visible[..., None], spoiled, torch.zeros_like(tokens))

    transformer = model.transformer
    text_embed = transformer.embed_text(batch.text, tokens.shape[1], masks.drop, batch.mask)
    z = transformer.hidden(x, cond, masks.visible, text_embed, transformer.modulations(time), batch.mask)

    flow_target = masks.target & masks.is_flow[:, None]
    prediction = transformer.proj_out(z).float()
    per_token = flow.loss(prediction, tokens, noise, time, model.config.predict)
    flow_loss = (per_token * flow_target).sum() / flow_target.sum().clamp(min=1)

    parts = {"flow": flow_loss}
    total = flow_loss
    if model.diffusion_module is not None:
        picked = masks.target & ~masks.is_flow[:, None]
        z_picked, clean = z[picked], tokens[picked]
        if model.to_mel is not None:
            base = model.to_mel(z_picked).float()
            parts["regression"] = (base - clean).abs().mean() if len(clean) else base.sum()
            total = total + config.regression_weight * parts["regression"]
            clean = (clean - base.detach()) / model.config.residual_std
        if head_weight > 0 and len(clean):
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
        t = torch.randint(0, 1000, (len(clean),), generator=generator)
    return head.loss(clean, z, t.to(clean.device), noise)["loss"].mean()


def duration_loss(model: Nanospeech, batch: Batch, generator: torch.Generator) -> Tensor:
    """L1 of log(1 + frames) over the symbols whose durations are hidden: those after the reference."""
    real = batch.ids >= 0
    length = real.sum(1).cpu()
    share = torch.rand(len(length), generator=generator) * 0.5
    shown = torch.where(batch.first_symbols.cpu() > 0, batch.first_symbols.cpu(), (length * share).long())
    shown = torch.where(torch.rand(len(length), generator=generator) < 0.1, torch.zeros_like(shown), shown)
    known = (torch.arange(batch.ids.shape[1])[None] < shown[:, None]).to(real.device) & real
    prediction = model.duration_predictor(batch.ids, batch.frames, known, real).float()
    hidden = real & ~known
    error = F.smooth_l1_loss(prediction, torch.log1p(batch.frames), reduction="none", beta=0.1)
    return (error * hidden).sum() / hidden.sum().clamp(min=1)


def logit_normal(rows: int, mean_std: tuple[float, ...], generator: torch.Generator) -> Tensor:
    """Times [rows] in (0, 1) whose logits are normal (arXiv 2403.03206, 3.1)."""
    mean, std = mean_std
    return (mean + std * torch.randn(rows, generator=generator)).sigmoid()
