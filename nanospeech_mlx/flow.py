"""Flow matching (arXiv 2210.02747, optimal-transport path): the training target and the ODE sample loop.

Time runs from 0 (noise) to 1 (data): x_t = (1 - t) x_0 + t x_1, and the velocity is x_1 - x_0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mlx.core as mx

from nanospeech_core.schedule import MIN_GAP

from .dit import DiT


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
) -> mx.array:
    """The (guided) velocity [1, tokens, channels] at time t.

    With cfg != 1 the condition rows are two: conditional, then unconditional; x is shared: u + cfg (c - u).
    """
    rows = text_embed.shape[0]
    time = mx.full((1,), t)
    shared = mx.broadcast_to(x, (rows, *x.shape[1:]))
    z = transformer.hidden(shared, cond, visible, text_embed, transformer.modulations(time))
    out = transformer.proj_out(z)
    if rows == 2:
        out = out[1:] + cfg * (out[:1] - out[1:])
    if predict == "velocity":
        return out
    return (out - x) / max(1 - t, MIN_GAP)


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
) -> Iterator[mx.array]:
    """Generate one utterance by the ODE, yielding the tokens [tokens, channels] after each interval.

    Args:
        transformer: the network.
        cond: visible tokens [tokens, channels], normalized, zeros elsewhere.
        visible: bool [tokens].
        text: int32 [symbols], one id per frame (-1: none).
        noise: standard normal [tokens, channels].
        times: of `nanospeech_core.schedule.ode_times`.
        method: "euler", "midpoint" or "rk4".
        cfg: guidance scale; 1 is none and takes one row instead of two.
        predict: what the network was trained to predict, "clean" or "velocity".
    """
    conds, visibles, text_embed = guidance_rows(transformer, cond, visible, text, cfg != 1)

    def f(t: float, x: mx.array) -> mx.array:
        return velocity(transformer, x, conds, visibles, text_embed, t, cfg, predict)

    for x in solve(f, noise[None], times, method):
        yield x[0]


def guidance_rows(
    transformer: DiT, cond: mx.array, visible: mx.array, text: mx.array, guided: bool
) -> tuple[mx.array, mx.array, mx.array]:
    """The batch of one utterance: its conditional row and, where guided, an unconditional one.

    Returns cond [rows, tokens, channels], visible [rows, tokens] and text_embed [rows, tokens, ...]:
    this is where the text is embedded, once an utterance.
    """
    conds, visibles, texts = cond[None], visible[None], text[None]
    drop = mx.zeros(1, dtype=mx.bool_)
    if guided:
        conds = mx.concatenate((conds, mx.zeros_like(conds)))
        visibles = mx.concatenate((visibles, mx.zeros_like(visibles)))
        texts = mx.concatenate((texts, texts))
        drop = mx.concatenate((drop, ~drop))
    return conds, visibles, transformer.embed_text(texts, cond.shape[0], drop)
