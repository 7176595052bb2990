"""Flow matching (arXiv 2210.02747, optimal-transport path): the training target and the ODE sample loop.

Time runs from 0 (noise) to 1 (data): x_t = (1 - t) x_0 + t x_1, and the velocity is x_1 - x_0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mlx.core as mx

from nanospeech_core.sampling.schedules import pass_times
from nanospeech_core.sampling.timesteps import MIN_GAP
from nanospeech_core.system.compiling import ByShape

from ..device.threads import keep
from ..models.dit import DiT, Modulation

Velocity = Callable[..., mx.array]


def interpolate(clean: mx.array, noise: mx.array, time: mx.array) -> mx.array:
    """x_t of tokens [batch, tokens, channels] at times [batch]."""
    t = time[:, None, None]
    return (1 - t) * noise + t * clean


def loss(prediction: mx.array, clean: mx.array, noise: mx.array, time: mx.array, predict: str) -> mx.array:
    """Squared error of the velocity per token [batch, tokens].

    predict: "velocity": the network's output is the velocity; "clean": it is the clean token, from which the
    velocity follows as (clean - x_t) / (1 - t), with 1 - t clamped at 0.05 (arXiv 2511.13720).
    """
    if predict == "velocity":
        return (prediction - (clean - noise)).square().mean(-1)
    gap = mx.maximum(1 - time[:, None, None], MIN_GAP)
    return ((prediction - clean) / gap).square().mean(-1)


def velocity(
    transformer: DiT,
    x: mx.array,
    cond: mx.array,
    visible: mx.array,
    text_embed: mx.array,
    t: float,
    cfg: float,
    predict: str,
    mask: mx.array | None = None,
) -> mx.array:
    """The (guided) velocity [batch, tokens, channels] at time t.

    With guidance, the first half of the rows is conditional, the second unconditional, both for the same x;
    the result is u + cfg (c - u).
    """
    time = mx.full((1,), t)
    run = make_velocity(transformer, predict)
    modulations = transformer.modulations(time)
    return run(x, cond, visible, text_embed, modulations, mask, mx.maximum(1 - time, MIN_GAP), cfg)


def make_velocity(transformer: DiT, predict: str) -> Velocity:
    """`velocity` as a function of arrays, for a given network.

    The returned function takes x, cond, visible and text_embed, then the modulations at one time, the mask,
    the distance of that time from 1 (at least `MIN_GAP`), and the guidance scale.
    """

    def run(
        x: mx.array,
        cond: mx.array,
        visible: mx.array,
        text_embed: mx.array,
        modulations: list[Modulation],
        mask: mx.array | None,
        gap: mx.array,
        cfg: float | mx.array,
    ) -> mx.array:
        batch, rows = x.shape[0], text_embed.shape[0]
        shared = mx.concatenate([x] * (rows // batch))
        z = transformer.hidden(shared, cond, visible, text_embed, modulations, mask)
        out = transformer.proj_out(z)
        if rows > batch:
            out = out[batch:] + cfg * (out[:batch] - out[batch:])
        return out if predict == "velocity" else (out - x) / gap

    return run


def compile_velocity(transformer: DiT, predict: str) -> ByShape:
    """The function of `make_velocity`, compiled once for each shape of its arguments.."""
    return ByShape(mx.compile(make_velocity(transformer, predict), inputs=[transformer.state]))


def euler(f: Callable[[float, mx.array], mx.array], x: mx.array, t: float, dt: float) -> mx.array:
    return x + dt * f(t, x)


def midpoint(f: Callable[[float, mx.array], mx.array], x: mx.array, t: float, dt: float) -> mx.array:
    return x + dt * f(t + 0.5 * dt, x + 0.5 * dt * f(t, x))


def rk4(f: Callable[[float, mx.array], mx.array], x: mx.array, t: float, dt: float) -> mx.array:
    k1 = f(t, x)
    k2 = f(t + 0.5 * dt, x + 0.5 * dt * k1)
    k3 = f(t + 0.5 * dt, x + 0.5 * dt * k2)
    k4 = f(t + dt, x + dt * k3)
    return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def solve(
    f: Callable[[float, mx.array], mx.array], x: mx.array, times: list[float], method: str
) -> Iterator[mx.array]:
    """Integrate dx/dt = f(t, x) over `times`, yielding x after each interval by euler, midpoint or rk4."""
    step = {"euler": euler, "midpoint": midpoint, "rk4": rk4}[method]
    for t, end in zip(times[:-1], times[1:], strict=True):
        x = step(f, x, t, end - t)
        yield x


def sample(
    transformer: DiT,
    cond: mx.array,
    visible: mx.array,
    text: mx.array,
    noise: mx.array,
    times: list[float],
    method: str = "euler",
    cfg: float = 1.0,
    predict: str = "clean",
    mask: mx.array | None = None,
    compiled: ByShape | None = None,
) -> Iterator[mx.array]:
    """Generate a batch by the ODE, yielding the tokens [batch, tokens, channels] after each interval.

    Each interval may be asked for in another thread.

    Args:
        transformer: the network.
        cond: visible tokens [batch, tokens, channels], normalized, zeros elsewhere.
        visible: bool [batch, tokens].
        text: int32 [batch, symbols], one id per frame (-1: none).
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
    gaps, scale = mx.array([max(1 - t, MIN_GAP) for t in passes]), mx.array(float(cfg))
    modulations = transformer.modulations(passes)
    at = {}
    for k, t in enumerate(passes):
        one = slice(k, k + 1)
        at[t] = [[part[one] for part in norm] for norm in modulations], gaps[one]

    def f(t: float, x: mx.array) -> mx.array:
        modulation, gap = at[t]
        return run(x, conds, visibles, text_embed, modulation, masks, gap, scale)

    for tokens in solve(f, noise, times, method):
        keep(tokens, conds, visibles, text_embed, masks, scale, list(at.values()))
        yield tokens


def guidance_rows(
    transformer: DiT,
    cond: mx.array,
    visible: mx.array,
    text: mx.array,
    guided: bool,
    mask: mx.array | None = None,
) -> tuple[mx.array, mx.array, mx.array, mx.array | None]:
    """The rows of a batch: the conditional ones and, if guided, as many unconditional ones after them.

    Returns cond [rows, tokens, channels], visible [rows, tokens], text_embed [rows, tokens, ...] and the mask
    [rows, tokens] or None. The text is embedded here, once for each utterance.
    """
    batch, tokens, _ = cond.shape
    drop = mx.zeros(batch, dtype=mx.bool_)
    if guided:
        cond = mx.concatenate([cond, mx.zeros_like(cond)])
        visible = mx.concatenate([visible, mx.zeros_like(visible)])
        text = mx.concatenate([text, text])
        drop = mx.concatenate([drop, ~drop])
        mask = None if mask is None else mx.concatenate([mask, mask])
    return cond, visible, transformer.embed_text(text, tokens, drop, mask), mask
