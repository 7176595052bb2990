"""Flow matching (arXiv 2210.02747, optimal-transport path): the training target and the ODE sample loop.

Time runs from 0 (noise) to 1 (data): x_t = (1 - t) x_0 + t x_1, and the velocity is x_1 - x_0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from nanospeech_core.sampling.schedules import pass_times
from nanospeech_core.sampling.timesteps import MIN_GAP
from nanospeech_core.system.compiling import ByShape

from ..models.dit import DiT
from .compiling import by_shape

Velocity = Callable[..., Tensor]


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
    mask: Tensor | None = None,
) -> Tensor:
    """The (guided) velocity [batch, tokens, channels] at time t.

    With guidance, the first half of the rows is conditional, the second unconditional, both for the same x;
    the result is u + cfg (c - u).
    """
    time = torch.full((1,), t, device=x.device)
    run = make_velocity(transformer, predict)
    modulations = transformer.modulations(time)
    return run(x, cond, visible, text_embed, modulations, mask, (1 - time).clamp(min=MIN_GAP), cfg)


def make_velocity(transformer: DiT, predict: str) -> Velocity:
    """`velocity` as a function of arrays, for a given network.

    The returned function takes x, cond, visible and text_embed, then the modulations at one time, the mask,
    the distance of that time from 1 (at least `MIN_GAP`), and the guidance scale.
    """

    def run(
        x: Tensor,
        cond: Tensor,
        visible: Tensor,
        text_embed: Tensor,
        modulations: list[Tensor],
        mask: Tensor | None,
        gap: Tensor,
        cfg: float | Tensor,
    ) -> Tensor:
        batch, rows = x.shape[0], text_embed.shape[0]
        shared = x.repeat(rows // batch, 1, 1)
        z = transformer.hidden(shared, cond, visible, text_embed, modulations, mask)
        out = transformer.proj_out(z)
        if rows > batch:
            out = out[batch:] + cfg * (out[:batch] - out[batch:])
        return out if predict == "velocity" else (out - x) / gap

    return run


def compile_velocity(transformer: DiT, predict: str) -> ByShape:
    """The function of `make_velocity`, compiled once for each shape of its arguments.."""
    return by_shape(make_velocity(transformer, predict))


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
    mask: Tensor | None = None,
    compiled: ByShape | None = None,
) -> Iterator[Tensor]:
    """Generate a batch by the ODE, yielding the tokens [batch, tokens, channels] after each interval.

    Args:
        transformer: the network.
        cond: visible tokens [batch, tokens, channels], normalized, zeros elsewhere.
        visible: bool [batch, tokens].
        text: int64 [batch, symbols], one id per frame (-1: none).
        noise: standard normal [batch, tokens, channels].
        times: of `nanospeech_core.sampling.schedules.ode_times`.
        method: "euler", "midpoint" or "rk4".
        cfg: guidance scale; 1: no guidance, which halves the rows.
        predict: what the network was trained to predict, "clean" or "velocity".
        mask: bool [batch, tokens], false where padded, or None.
        compiled: of `compile_velocity`, for this network and prediction; None: not compiled.
    """
    conds, visibles, text_embed, masks = guidance_rows(transformer, cond, visible, text, cfg != 1, mask)

    run = compiled or make_velocity(transformer, predict)
    # All times are known: their modulations are computed at once.
    passes = pass_times(times, method)
    gaps = torch.tensor([max(1 - t, MIN_GAP) for t in passes], device=noise.device)
    scale = torch.tensor(cfg, device=noise.device)
    modulations = transformer.modulations(torch.tensor(passes, device=noise.device))
    at = {t: ([norm[:, k : k + 1] for norm in modulations], gaps[k : k + 1]) for k, t in enumerate(passes)}

    def f(t: float, x: Tensor) -> Tensor:
        modulation, gap = at[t]
        return run(x, conds, visibles, text_embed, modulation, masks, gap, scale)

    yield from solve(f, noise, times, method)


def guidance_rows(
    transformer: DiT, cond: Tensor, visible: Tensor, text: Tensor, guided: bool, mask: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """The rows of a batch: the conditional ones and, if guided, as many unconditional ones after them.

    Returns cond [rows, tokens, channels], visible [rows, tokens], text_embed [rows, tokens, ...] and the mask
    [rows, tokens] or None. The text is embedded here, once for each utterance.
    """
    batch, tokens, _ = cond.shape
    drop = torch.zeros(batch, dtype=torch.bool, device=cond.device)
    if guided:
        cond = torch.cat((cond, torch.zeros_like(cond)))
        visible = torch.cat((visible, torch.zeros_like(visible)))
        text = torch.cat((text, text))
        drop = torch.cat((drop, ~drop))
        mask = None if mask is None else torch.cat((mask, mask))
    return cond, visible, transformer.embed_text(text, tokens, drop, mask), mask
