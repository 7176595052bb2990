"""The schedules of sampling as tables, for both backends: tokens per iteration (cosine), guidance,
temperature, and the times of the ODE.
"""

from __future__ import annotations

import math

import numpy as np


def ode_times(steps: int, sway: float = 0.0) -> list[float]:
    """The `steps + 1` times of `steps` ODE intervals, 0 (noise) to 1 (data).

    `sway` shifts them: t + s (cos(pi t / 2) - 1 + t), F5-TTS (arXiv 2410.06885) eq. 7; -1 puts more steps
    near the noise.
    """
    times = []
    for i in range(steps + 1):
        t = i / steps
        times.append(t + sway * (math.cos(math.pi / 2 * t) - 1 + t))
    return times


def pass_times(times: list[float], method: str) -> list[float]:
    """The times at which `flow.solve` asks for the velocity, each once, in the order of their first use."""
    parts = {"euler": (0.0,), "midpoint": (0.0, 0.5), "rk4": (0.0, 0.5, 1.0)}[method]
    passes = (t + part * (end - t) for t, end in zip(times[:-1], times[1:], strict=True) for part in parts)
    return list(dict.fromkeys(passes))


def reveal_counts(tokens: int, num_iter: int) -> list[int]:
    """How many tokens each iteration reveals: MaskGIT's cosine schedule, as in MAR (arXiv 2406.11838, 3.4).

    After iteration k, floor(tokens cos(pi/2 (k+1)/num_iter)) tokens stay masked (k from 0): at least one
    fewer than before, and at least one for each later iteration.
    The counts are positive and sum to `tokens`; there are min(num_iter, tokens) of them.
    """
    num_iter = min(num_iter, tokens)
    counts, masked = [], tokens
    for k in range(num_iter):
        left = math.floor(tokens * math.cos(math.pi / 2 * (k + 1) / num_iter))
        left = max(num_iter - 1 - k, min(masked - 1, left))
        counts.append(masked - left)
        masked = left
    return counts


def guidance_scales(counts: list[int], cfg: float, schedule: str = "linear") -> list[float]:
    """The guidance scale of each iteration: "constant", or "linear" in the share revealed after it (MAR)."""
    if schedule == "constant":
        return [cfg] * len(counts)
    total, done, scales = sum(counts), 0, []
    for count in counts:
        done += count
        scales.append(1 + (cfg - 1) * min(done, total - 1) / total if total > 1 else cfg)
    return scales


def temperature_factors(counts: list[int], schedule: str = "constant") -> list[float]:
    """The factor of the temperature in each iteration: "constant" (1), or "linear" in the share revealed
    after it.

    All later tokens are conditioned on those of the first iterations: "linear" samples these near the mean.
    """
    if schedule == "constant":
        return [1.0] * len(counts)
    done = np.cumsum(counts)
    return [float(share) for share in done / sum(counts)]
