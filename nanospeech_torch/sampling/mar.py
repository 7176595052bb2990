"""Masked autoregressive generation (MAR, arXiv 2406.11838) of mel tokens.

z is the transformer's last hidden state at time 0 with no noised input, given the visible tokens and the
text. Each iteration draws the tokens that its plan reveals from DiffLoss(z); from then on they are visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.iterations import iterations
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.reveal import RevealPlan
from nanospeech_core.system.compiling import ROWS, ByShape

from ..models.diffloss import DiffLoss
from ..models.dit import DiT


def condition(
    transformer: DiT,
    cond: Tensor,
    visible: Tensor,
    text_embed: Tensor,
    modulations: list[Tensor],
    mask: Tensor | None = None,
) -> Tensor:
    """z [rows, tokens, dim] of visible tokens [rows, tokens, channels] (zeros elsewhere) and embedded text.

    `modulations` are the transformer's at time 0, constant on this path.
    """
    return transformer.hidden(torch.zeros_like(cond), cond, visible, text_embed, modulations, mask)


def look(
    transformer: DiT,
    diffusion_module: DiffLoss,
    to_mel: nn.Linear | None,
    tokens: Tensor,
    visible: Tensor,
    text_embed: Tensor,
    modulations: list[Tensor],
    mask: Tensor | None,
) -> tuple[Tensor, Tensor | None]:
    """What the head is told of every token [batch x tokens, dim]; the regression likewise, or None."""
    z = condition(transformer, tokens, visible, text_embed, modulations, mask)
    base = None if to_mel is None else to_mel(z)
    mel = None if base is None else torch.where(visible[..., None], tokens, base)
    told = diffusion_module.in_context(z, mel, mask)
    return told.reshape(-1, told.shape[-1]), None if base is None else base.reshape(-1, tokens.shape[-1])


def make_step(
    transformer: DiT,
    diffusion_module: DiffLoss,
    to_mel: nn.Linear | None,
    residual_std: float = 1.0,
    compiled: bool = False,
) -> Callable:
    """An iteration of `sample`, a function of arrays: for either objective, with and without guidance.

    Args:
        transformer, diffusion_module, to_mel, residual_std: as `sample` takes them.
        compiled: it is, for each shape of its arguments. Make one and keep it: it knows what it has compiled,
            and sees weights that change.
    Returns:
        a function, or a `ByShape`, of tokens and visible as they are, what is the same in all iterations
        (`blind`: what `look` gives without text and tokens; None: no guidance) and a `Iteration`'s arrays; it
        gives tokens, visible and draft as they are afterwards.
    """

    def step(
        tokens: Tensor,
        visible: Tensor,
        text_embed: Tensor,
        modulations: list[Tensor],
        mask: Tensor | None,
        blind: tuple[Tensor, Tensor | None] | None,
        times: Tensor,
        rows: Tensor,
        initial: Tensor,
        noise: Tensor | None,
        temperature: Tensor,
        cfg: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        told, base = look(
            transformer, diffusion_module, to_mel, tokens, visible, text_embed, modulations, mask
        )
        z = told[rows] if cfg is None else torch.cat((told[rows], blind[0][rows]))
        scale = 1.0 if cfg is None else cfg
        *_, new = diffusion_module.sample(z, initial, noise, len(times), temperature, scale, times)
        if base is not None:
            mean = base[rows]
            if cfg is not None:
                mean = blind[1][rows] + cfg * (mean - blind[1][rows])
            new = mean + residual_std * new
        drawn, shown = tokens.reshape(-1, tokens.shape[-1]), visible.reshape(-1)
        drawn, shown = drawn.index_copy(0, rows, new), shown.index_fill(0, rows, True)
        draft = drawn if base is None else torch.where(shown[:, None], drawn, base)
        return drawn.reshape(tokens.shape), shown.reshape(visible.shape), draft.reshape(tokens.shape)

    if not compiled:
        return step
    config = torch._dynamo.config
    config.cache_size_limit = max(config.cache_size_limit, 64)  # torch gives up after 8 shapes
    fast = torch.compile(step, dynamic=False)

    def explained(*arguments):
        try:
            return fast(*arguments)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._inductor", "torch._dynamo")):
                raise
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"PyTorch cannot compile on this machine (--compile): {reason}") from error

    return ByShape(explained)


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
    step: Callable | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Generate a batch, yielding twice [batch, tokens, channels] after each iteration: tokens and a draft.

    Tokens that are still masked are zero; in the draft they are what the mel regression expects there.

    Args:
        transformer, diffusion_module: the networks.
        to_mel: the mel regression on z; the head models its residual / `residual_std`. None: the tokens.
        cond: visible tokens [batch, tokens, channels], normalized, zeros elsewhere.
        visible: bool [batch, tokens].
        text: int64 [batch, symbols], one id per frame (-1: none).
        plans: which tokens each iteration reveals, its guidance scale and its share of the temperature.
        noises: every draw of each utterance.
        diffusion_steps: denoising steps of the head.
        temperature: scale of the head's noise.
        residual_std: see `to_mel`.
        mask: bool [batch, tokens], false where padded, or None.
        step: a compiled one of `make_step` for these networks; None: they are run as they are.
    """
    batch, length, _ = cond.shape
    modulations = transformer.modulations(torch.zeros(1, device=cond.device))
    times = diffusion_module.embed_times(diffusion_steps)
    text_embed = transformer.embed_text(text, length, None, mask)
    blind = None  # what is told without text and tokens: the same in all iterations
    if any(scale != 1 for plan in plans for scale in plan.cfg):
        nothing = transformer.embed_text(
            text, length, torch.ones(batch, dtype=torch.bool, device=cond.device), mask
        )
        hidden = torch.zeros_like(cond), torch.zeros_like(visible)
        blind = look(transformer, diffusion_module, to_mel, *hidden, nothing, modulations, mask)
    bucket = 1 if step is None else ROWS
    step = step or make_step(transformer, diffusion_module, to_mel, residual_std)
    tokens, ddpm_steps = cond, diffusion_steps if diffusion_module.objective == "ddpm" else 0
    for turn in iterations(plans, noises, length, temperature, ddpm_steps, bucket):
        drawing = (turn.rows, turn.initial, turn.noise, turn.temperature, turn.cfg)
        drawing = [
            None if part is None else torch.from_numpy(part).to(cond.device, non_blocking=True)
            for part in drawing
        ]
        told = blind if turn.cfg is not None else None
        tokens, visible, draft = step(tokens, visible, text_embed, modulations, mask, told, times, *drawing)
        yield tokens, draft
