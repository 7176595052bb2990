"""Flow matching (arXiv 2210.02747, optimal-transport path): the training target and the ODE sample loop.

Time runs from 0 (noise) to 1 (data): x_t = (1 - t) x_0 + t x_1, and the velocity is x_1 - x_0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from nanospeech_core.schedule import MIN_GAP

from .dit import DiT


def interpolate(clean: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """x_t of tokens [batch, tokens, channels] at times [batch]."""
    t = time[:, None, None]
    return (1 - t) * noise + t * clean


def loss(prediction: Tensor, clean: Tensor, noise: Tensor, time: Tensor, predict: str) -> Tensor:
    """Squared error of the velocity per token [batch, tokens].

    predict: "velocity": the network's output is the velocity; "clean": it is the clean token, from which the
    velocity follows as (clean - x_t) / (1 - t), with 1 - t clamped at 0.05 (arXiv 2511.13720).
    """
    if predict == "velocity":
        return (prediction - (clean - noise)).square().mean(-1)
    gap = (1 - time[:, None, None]).clamp(min=MIN_GAP)
    return ((prediction - clean) / gap).square().mean(-1)


def velocity(
    transformer: DiT,
    x: Tensor,
    cond: Tensor,
    visible: Tensor,
    text_embed: Tensor,
    t: float,
    cfg: float,
    predict: str,
) -> Tensor:
    """The (guided) velocity [1, tokens, channels] at time t.

    With cfg != 1 the condition rows are two: conditional, then unconditional; x is shared: u + cfg (c - u).
    """
    rows = text_embed.shape[0]
    time = torch.full((1,), t, device=x.device)
    shared = x.expand(rows, -1, -1)
    z = transformer.hidden(shared, cond, visible, text_embed, transformer.modulations(time))
    out = transformer.proj_out(z)
    if rows == 2:
        out = out[1:] + cfg * (out[:1] - out[1:])
    if predict == "velocity":
        return out
    return (out - x) / max(1 - t, MIN_GAP)


def euler(f: Callable[[float, Tensor], Tensor], x: Tensor, t: float, dt: float) -> Tensor:
    return x + dt * f(t, x)


def midpoint(f: Callable[[float, Tensor], Tensor], x: Tensor, t: float, dt: float) -> Tensor:
    return x + dt * f(t + 0.5 * dt, x + 0.5 * dt * f(t, x))


def rk4(f: Callable[[float, Tensor], Tensor], x: Tensor, t: float, dt: float) -> Tensor:
    k1 = f(t, x)
    k2 = f(t + 0.5 * dt, x + 0.5 * dt * k1)
    k3 = f(t + 0.5 * dt, x + 0.5 * dt * k2)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def solve(
    f: Callable[[float, Tensor], Tensor], x: Tensor, times: list[float], method: str
) -> Iterator[Tensor]:
    """Integrate dx/dt = f(t, x) over `times`, yielding x after each interval by euler, midpoint or rk4."""
    step = {"euler": euler, "midpoint": midpoint, "rk4": rk4}[method]
    for t, end in zip(times[:-1], times[1:], strict=True):
        x = step(f, x, t, end - t)
        yield x


def sample(
    transformer: DiT,
    cond: Tensor,
    visible: Tensor,
    text: Tensor,
    noise: Tensor,
    times: list[float],
    method: str = "euler",
    cfg: float = 1.0,
    predict: str = "clean",
) -> Iterator[Tensor]:
    """Generate one utterance by the ODE, yielding the tokens [tokens, channels] after each interval.

    Args:
        transformer: the network.
        cond: visible tokens [tokens, channels], normalized, zeros elsewhere.
        visible: bool [tokens].
        text: int64 [symbols], one id per frame (-1: none).
        noise: standard normal [tokens, channels].
        times: of `nanospeech_core.schedule.ode_times`.
        method: "euler", "midpoint" or "rk4".
        cfg: guidance scale; 1 is none and takes one row instead of two.
        predict: what the network was trained to predict, "clean" or "velocity".
    """
    conds, visibles, text_embed = guidance_rows(transformer, cond, visible, text, cfg != 1)

    def f(t: float, x: Tensor) -> Tensor:
        return velocity(transformer, x, conds, visibles, text_embed, t, cfg, predict)

    for x in solve(f, noise[None], times, method):
        yield x[0]


def guidance_rows(
    transformer: DiT, cond: Tensor, visible: Tensor, text: Tensor, guided: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The batch of one utterance: its conditional row and, where guided, an unconditional one.

    Returns cond [rows, tokens, channels], visible [rows, tokens] and text_embed [rows, tokens, ...]:
    this is where the text is embedded, once an utterance.
    """
    conds, visibles, texts = cond[None], visible[None], text[None]
    drop = torch.zeros(1, dtype=torch.bool, device=cond.device)
    if guided:
        conds = torch.cat((conds, torch.zeros_like(conds)))
        visibles = torch.cat((visibles, torch.zeros_like(visibles)))
        texts = torch.cat((texts, texts))
        drop = torch.cat((drop, ~drop))
    return conds, visibles, transformer.embed_text(texts, cond.shape[0], drop)
