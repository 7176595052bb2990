"""Masked autoregressive generation (MAR, arXiv 2406.11838) of mel tokens.

z is the transformer's last hidden state at time 0 with no noised input, given the visible tokens and the
text. Each iteration draws the tokens that its plan reveals from DiffLoss(z); from then on they are visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import mlx.core as mx
from mlx import nn

from nanospeech_core.plan import Noise, Plan, turns

from .diffloss import DiffLoss
from .dit import DiT


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
    plans: Sequence[Plan],
    noises: Sequence[Noise],
    diffusion_steps: int,
    temperature: float = 1.0,
    residual_std: float = 1.0,
    mask: mx.array | None = None,
) -> Iterator[tuple[mx.array, mx.array]]:
    """Generate a batch, yielding twice [batch, tokens, channels] after each iteration: tokens and a draft.

    Tokens that are still masked are zero; in the draft they are what the mel regression expects there.

    Args:
        transformer, diffusion_module: the networks.
        to_mel: the mel regression on z; the head models its residual / `residual_std`. None: the tokens.
        cond: visible tokens [batch, tokens, channels], normalized, zeros elsewhere.
        visible: bool [batch, tokens].
        text: int32 [batch, symbols], one id per frame (-1: none).
        plans: which tokens each iteration reveals, its guidance scale and its share of the temperature.
        noises: every draw of each utterance.
        diffusion_steps: denoising steps of the head.
        temperature: scale of the head's noise.
        residual_std: see `to_mel`.
        mask: bool [batch, tokens], false where padded, or None.
    """
    batch, tokens, channels = cond.shape
    modulations = transformer.modulations(mx.zeros(1))
    times = diffusion_module.embed_times(diffusion_steps)

    def look(cond: mx.array, visible: mx.array, text_embed: mx.array) -> tuple[mx.array, mx.array | None]:
        """What the head is told of every token [batch x tokens, dim]; the regression, or None."""
        z = condition(transformer, cond, visible, text_embed, modulations, mask)
        base = None if to_mel is None else to_mel(z)
        told = diffusion_module.in_context(z, base, mask).reshape(batch * tokens, -1)
        return told, None if base is None else base.reshape(-1, channels)

    text_embed = transformer.embed_text(text, tokens, None, mask)
    blind = None  # what is told without text and tokens: the same in all iterations
    if any(scale != 1 for plan in plans for scale in plan.cfg):
        nothing = transformer.embed_text(text, tokens, mx.ones(batch, dtype=mx.bool_), mask)
        blind = look(mx.zeros_like(cond), mx.zeros_like(visible), nothing)
    drawn, shown = cond.reshape(-1, channels), visible.reshape(-1)
    ddpm_steps = diffusion_steps if diffusion_module.objective == "ddpm" else 0
    for turn in turns(plans, noises, tokens, temperature, ddpm_steps):
        told, base = look(drawn.reshape(cond.shape), shown.reshape(visible.shape), text_embed)
        rows = mx.array(turn.rows)
        scale = 1.0 if turn.cfg is None else mx.array(turn.cfg)
        z = told[rows] if turn.cfg is None else mx.concatenate((told[rows], blind[0][rows]))
        *_, new = diffusion_module.sample(
            z, mx.array(turn.initial), turn.noise, diffusion_steps, mx.array(turn.temperature), scale, times
        )
        if base is not None:
            mean = base[rows]
            if turn.cfg is not None:
                mean = blind[1][rows] + scale * (mean - blind[1][rows])
            new = mean + residual_std * new
        drawn, shown = mx.array(drawn), mx.array(shown)
        drawn[rows], shown[rows] = new, True
        draft = drawn if base is None else mx.where(shown[:, None], drawn, base)
        yield drawn.reshape(cond.shape), draft.reshape(cond.shape)
