"""Masked autoregressive generation (MAR, arXiv 2406.11838) of mel tokens.

z is the transformer's last hidden state at time 0 with no noised input, given the visible tokens and the
text. Each iteration draws the tokens that its plan reveals from DiffLoss(z); from then on they are visible.
"""

from __future__ import annotations

from collections.abc import Iterator

import mlx.core as mx
from mlx import nn

from nanospeech_core.plan import Noise, Plan

from .diffloss import DiffLoss
from .dit import DiT
from .flow import guidance_rows


def condition(
    transformer: DiT,
    cond: mx.array,
    visible: mx.array,
    text_embed: mx.array,
    modulations: list[mx.array],
    mask: mx.array | None = None,
) -> mx.array:
    """z [rows, tokens, dim] of visible tokens [rows, tokens, channels] (zeros elsewhere) and embedded text.

    `modulations` are the transformer's at time 0, constant on this path.
    """
    return transformer.hidden(mx.zeros_like(cond), cond, visible, text_embed, modulations, mask)


def sample(
    transformer: DiT,
    diffusion_module: DiffLoss,
    to_mel: nn.Linear | None,
    cond: mx.array,
    visible: mx.array,
    text: mx.array,
    plan: Plan,
    noise: Noise,
    diffusion_steps: int,
    temperature: float = 1.0,
    residual_std: float = 1.0,
) -> Iterator[mx.array]:
    """Generate one utterance, yielding its tokens [tokens, channels] after each iteration, masked ones zero.

    Args:
        transformer, diffusion_module: the networks.
        to_mel: the mel regression on z; the head models its residual / `residual_std`. None: the tokens.
        cond: visible tokens [tokens, channels], normalized, zeros elsewhere.
        visible: bool [tokens].
        text: int32 [symbols], one id per frame (-1: none).
        plan: which tokens each iteration reveals, its guidance scale and its share of the temperature.
        noise: every draw.
        diffusion_steps: denoising steps of the head.
        temperature: scale of the head's noise.
        residual_std: see `to_mel`.
    """
    guided = any(scale != 1 for scale in plan.cfg)
    conds, visibles, text_embed = guidance_rows(transformer, cond, visible, text, guided)
    modulations = transformer.modulations(mx.zeros(1))
    for k, (reveal, scale, heat) in enumerate(zip(plan.reveal, plan.cfg, plan.temperature, strict=True)):
        z = condition(transformer, conds, visibles, text_embed, modulations)
        picked = mx.array(reveal, dtype=mx.int32)
        rows = z[:, picked].reshape(-1, z.shape[-1])
        told = diffusion_module.in_context(z, to_mel)[:, picked].reshape(-1, z.shape[-1])
        if guided and scale == 1:
            rows, told = rows[: len(reveal)], told[: len(reveal)]
        init = mx.array(noise.initial[reveal])
        draws = None
        if diffusion_module.objective == "ddpm":
            draws = noise.steps(k, diffusion_steps, len(reveal))
        *_, drawn = diffusion_module.sample(told, init, draws, diffusion_steps, temperature * heat, scale)
        if to_mel is not None:
            base = to_mel(rows)
            if scale != 1:
                base = base[len(reveal) :] + scale * (base[: len(reveal)] - base[len(reveal) :])
            drawn = base + residual_std * drawn
        conds, visibles = mx.array(conds), mx.array(visibles)
        conds[0, picked], visibles[0, picked] = drawn, True
        yield conds[0]
