"""Masked autoregressive generation (MAR, arXiv 2406.11838) of mel tokens.

z is the transformer's last hidden state at time 0 without noised input, from the visible tokens and the text.
In each iteration the diffusion head, conditioned on z, samples the tokens that the plan reveals. From then on
they are visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from nanospeech_core.sampling.iterations import iterations
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.reveal import RevealPlan
from nanospeech_core.system.compiling import ROWS, ByShape

from ..models.attention import cut
from ..models.diffloss import DiffLoss
from ..models.dit import DiT
from .compiling import by_shape

Step = Callable[..., tuple[Tensor, Tensor, Tensor]]


def hidden_states(
    transformer: DiT,
    cond: Tensor,
    visible: Tensor,
    text_embed: Tensor,
    modulations: list[Tensor],
    mask: Tensor | None = None,
    span: tuple[int, int] | None = None,
) -> Tensor:
    """z [rows, tokens, dim] of visible tokens [rows, tokens, channels] (zeros elsewhere) and embedded text.

    `modulations` are the transformer's at time 0, constant on this path. `span`: as in `DiT.hidden`.
    """
    return transformer.hidden(torch.zeros_like(cond), cond, visible, text_embed, modulations, mask, span)


def head_inputs(
    transformer: DiT,
    diffusion_module: DiffLoss,
    to_mel: nn.Linear | None,
    tokens: Tensor,
    visible: Tensor,
    text_embed: Tensor,
    modulations: list[Tensor],
    mask: Tensor | None,
    span: tuple[int, int] | None = None,
    rows: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """The head's conditioning [batch x tokens, dim] and the mel regression (or None) of every token.

    span: the first and the last token (excluded) of a part, which is then meant by "tokens"; None: all.
    rows: int [rows], the tokens that are conditioned, indices into [batch x tokens]; None: all.
    """
    z = hidden_states(transformer, tokens, visible, text_embed, modulations, mask, span)
    tokens, visible, mask = cut(tokens, span), cut(visible, span), None if mask is None else cut(mask, span)
    regression = None if to_mel is None else to_mel(z)
    mel = None if regression is None else torch.where(visible[..., None], tokens, regression)
    head_conditioning = diffusion_module.add_context(z, mel, mask, rows)
    if regression is not None:
        regression = regression.reshape(-1, tokens.shape[-1])
    return head_conditioning.reshape(-1, head_conditioning.shape[-1]), regression


def make_step(
    transformer: DiT, diffusion_module: DiffLoss, to_mel: nn.Linear | None, residual_std: float = 1.0
) -> Step:
    """One iteration of `sample` as a function of arrays: for either objective, with and without guidance.

    The arguments are those of `sample`. The returned function takes the tokens and which of them are visible,
    then the inputs that all iterations share (`unconditional`: `head_inputs` without text and tokens;
    None: no guidance), `Iteration.span` (None: all tokens), and `Iteration.arrays()`. It returns tokens,
    visible and estimate after the iteration.
    """

    def step(
        tokens: Tensor,
        visible: Tensor,
        text_embed: Tensor,
        modulations: list[Tensor],
        mask: Tensor | None,
        unconditional: tuple[Tensor, Tensor | None] | None,
        times: Tensor,
        span: tuple[int, int] | None,
        rows: Tensor,
        places: Tensor,
        initial: Tensor,
        noise: Tensor | None,
        temperature: Tensor,
        cfg: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        z, regression = head_inputs(
            transformer,
            diffusion_module,
            to_mel,
            tokens,
            visible,
            text_embed,
            modulations,
            mask,
            span,
            places,
        )
        mean = None if regression is None else regression[places]
        scale = 1.0 if cfg is None else cfg
        if unconditional is not None:
            unconditional_z, unconditional_mel = unconditional
            z = torch.cat((z, unconditional_z[rows]))
            if mean is not None and unconditional_mel is not None:
                mean = unconditional_mel[rows] + scale * (mean - unconditional_mel[rows])
        *_, revealed = diffusion_module.sample(z, initial, noise, len(times), temperature, scale, times)
        if mean is not None:
            revealed = mean + residual_std * revealed
        new_tokens, new_visible = tokens.reshape(-1, tokens.shape[-1]), visible.reshape(-1)
        new_tokens = new_tokens.index_copy(0, rows, revealed).reshape(tokens.shape)
        new_visible = new_visible.index_fill(0, rows, True).reshape(visible.shape)
        estimate = new_tokens
        if regression is not None:
            first, end = span or (0, tokens.shape[1])
            estimate = torch.where(
                cut(new_visible, span)[..., None],
                cut(new_tokens, span),
                regression.reshape(len(tokens), end - first, -1),
            )
            if span is not None:
                estimate = torch.cat((new_tokens[:, :first], estimate, new_tokens[:, end:]), dim=1)
        return new_tokens, new_visible, estimate

    return step


def compile_step(
    transformer: DiT, diffusion_module: DiffLoss, to_mel: nn.Linear | None, residual_std: float = 1.0
) -> ByShape:
    """The function of `make_step`, compiled once for each shape of its arguments.

    Make one and keep it: it stores the compiled code. It reads the weights when it is called.
    """
    return by_shape(make_step(transformer, diffusion_module, to_mel, residual_std))


def sample(
    transformer: DiT,
    diffusion_module: DiffLoss,
    to_mel: nn.Linear | None,
    cond: Tensor,
    visible: Tensor,
    text: Tensor,
    plans: Sequence[RevealPlan],
    noises: Sequence[Noise],
    diffusion_steps: int,
    temperature: float = 1.0,
    residual_std: float = 1.0,
    mask: Tensor | None = None,
    step: ByShape | None = None,
    embed: ByShape | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Generate a batch, yielding tokens and estimate, both [batch, tokens, channels], after each iteration.

    In the tokens, those that are still masked are zero; in the estimate they are the mel regression, or
    zero if the plans say that it is not needed.

    Args:
        transformer, diffusion_module: the networks.
        to_mel: the mel regression on z; the head samples its residual / `residual_std`. None: the head
            samples the tokens themselves.
        cond: visible tokens [batch, tokens, channels], normalized, zeros elsewhere.
        visible: bool [batch, tokens].
        text: int64 [batch, symbols], one id per frame (-1: none).
        plans: of each utterance: the tokens, the guidance scale and the temperature factor of each iteration.
        noises: of each utterance.
        diffusion_steps: denoising steps of the head.
        temperature: scale of the head's noise.
        residual_std: see `to_mel`.
        mask: bool [batch, tokens], false where padded, or None.
        step: of `compile_step`, for these networks; None: not compiled.
        embed: the compiled `DiT.embed_text`, a function of text and mask; None: not compiled.
    """
    batch, length, _ = cond.shape
    modulations = transformer.modulations(torch.zeros(1, device=cond.device))
    times = diffusion_module.embed_times(diffusion_steps)
    if embed is None or mask is None:
        text_embed = transformer.embed_text(text, length, None, mask)
    else:
        text_embed = embed(text, mask)
    unconditional = None  # the same in all iterations: without text and tokens
    if any(scale != 1 for plan in plans for scale in plan.cfg):
        every = torch.ones(batch, dtype=torch.bool, device=cond.device)
        no_text = transformer.embed_text(text, length, every, mask)
        no_tokens = torch.zeros_like(cond), torch.zeros_like(visible)
        unconditional = head_inputs(
            transformer, diffusion_module, to_mel, *no_tokens, no_text, modulations, mask
        )
    bucket, neighbors = ROWS, None  # compiled: few shapes
    if step is None:
        context = diffusion_module.context
        bucket, neighbors = 1, 0 if context is None else context.neighbors
    run = step or make_step(transformer, diffusion_module, to_mel, residual_std)
    tokens, ddpm_steps = cond, diffusion_steps if diffusion_module.objective == "ddpm" else 0
    for iteration in iterations(plans, noises, length, temperature, ddpm_steps, bucket, neighbors):
        arrays = [
            None if part is None else torch.from_numpy(part).to(cond.device, non_blocking=True)
            for part in iteration.arrays()
        ]
        tokens, visible, estimate = run(
            tokens,
            visible,
            text_embed,
            modulations,
            mask,
            None if iteration.cfg is None else unconditional,
            times,
            iteration.span if step is None else None,
            *arrays,
        )
        yield tokens, estimate
