"""Every schedule as a table of Python floats: the sample loops of both backends read rows, not formulas."""

from __future__ import annotations

import functools
import math
from dataclasses import astuple, dataclass

import numpy as np

TRAIN_STEPS = 1000  # of MAR's DDPM
MIN_GAP = 0.05  # 1 - t is clamped here wherever a clean prediction becomes a velocity


def time_frequencies(count: int, period: int) -> np.ndarray:
    """float32 [count]: 10000^(-i / period), of the sinusoids that embed a time.

    Times reach 1000, where one rounding of a frequency is seen in the fifth digit of its sine; hence a table.
    The exponent is float32, as it was where the original checkpoints were trained.
    """
    exponent = np.arange(count, dtype=np.float32) * np.float32(-math.log(10000) / period)
    return np.exp(exponent.astype(np.float64)).astype(np.float32)


def ode_times(steps: int, sway: float = 0.0) -> list[float]:
    """The `steps + 1` times of `steps` ODE intervals, 0 (noise) to 1 (data).

    `sway` bends them: t + s (cos(pi t / 2) - 1 + t), F5-TTS (arXiv 2410.06885) eq. 7; -1 puts more steps near
    the noise.
    """
    times = []
    for i in range(steps + 1):
        t = i / steps
        times.append(t + sway * (math.cos(math.pi / 2 * t) - 1 + t))
    return times


def reveal_counts(tokens: int, num_iter: int) -> list[int]:
    """How many tokens each iteration reveals: MaskGIT's cosine schedule, as in MAR (arXiv 2406.11838, 3.4).

    After iteration k, floor(tokens cos(pi/2 (k+1)/num_iter)) tokens stay masked, one less at least.
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


def cfg_ramp(counts: list[int], cfg: float, schedule: str = "linear") -> list[float]:
    """The guidance scale of each iteration: "constant", or "linear" in the share revealed after it (MAR)."""
    if schedule == "constant":
        return [cfg] * len(counts)
    total, done, scales = sum(counts), 0, []
    for count in counts:
        done += count
        scales.append(1 + (cfg - 1) * min(done, total - 1) / total if total > 1 else cfg)
    return scales


def temperature_ramp(counts: list[int], schedule: str = "constant") -> list[float]:
    """What the temperature is multiplied by in each iteration: "constant" (1), or "linear" in the share
    revealed after it.

    All that follows is told what the first iterations draw, so "linear" draws near the mean there.
    """
    if schedule == "constant":
        return [1.0] * len(counts)
    done = np.cumsum(counts)
    return [float(share) for share in done / sum(counts)]


def bit_reversal(bits: int) -> np.ndarray:
    """int64 [2^bits]: each index with its bits in reverse order (van der Corput's sequence)."""
    result = np.zeros(1, np.int64)
    for _ in range(bits):
        result = np.concatenate((2 * result, 2 * result + 1))
    return result


@dataclass(frozen=True)
class DDPMStep:
    """One row of the respaced reverse process; x_t -> x_{t-1}. All Python floats."""

    timestep: float  # on the original 0..999 scale, what the network is told
    recip_sqrt_alpha_bar: float
    sqrt_recip_alpha_bar_minus_one: float
    mean_x0: float  # posterior mean = mean_x0 * x0 + mean_xt * x_t
    mean_xt: float
    min_log_var: float  # log of the posterior variance, clipped at the first step
    max_log_var: float  # log beta
    noise: float  # 0 at the last step, else 1
    sqrt_alpha_bar: float
    sqrt_one_minus_alpha_bar: float


def ddpm_alpha_bars() -> np.ndarray:
    """Cumulative alphas, float64 [1000]: the cosine schedule (arXiv 2102.09672, 3.2), betas up to 0.999."""

    def alpha_bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    n = TRAIN_STEPS
    betas = [min(1 - alpha_bar((i + 1) / n) / alpha_bar(i / n), 0.999) for i in range(n)]
    return np.cumprod(1.0 - np.array(betas, dtype=np.float64))


@functools.cache
def ddpm_columns() -> np.ndarray:
    """float32 [10, 1000]: what training needs of each timestep, in the order of `DDPMStep`."""
    return np.array([astuple(row) for row in ddpm_table()], np.float32).T


def ddpm_table(steps: int = TRAIN_STEPS) -> list[DDPMStep]:
    """The reverse process respaced to `steps` of the 1000 timesteps, in rising order (arXiv 2102.09672, 4).

    Sampling walks it backwards; with `steps=1000` it is also the training table.
    """
    full = ddpm_alpha_bars()
    stride = (TRAIN_STEPS - 1) / (steps - 1) if steps > 1 else 1.0
    kept = sorted({round(i * stride) for i in range(steps)})
    bars = full[kept]
    previous = np.append(1.0, bars[:-1])
    betas = 1.0 - bars / previous
    variance = betas * (1.0 - previous) / (1.0 - bars)
    first = variance[1] if len(kept) > 1 else betas[0]
    min_log = np.log(np.append(first, variance[1:]))
    return [
        DDPMStep(
            timestep=float(t),
            recip_sqrt_alpha_bar=float(1 / np.sqrt(bars[i])),
            sqrt_recip_alpha_bar_minus_one=float(np.sqrt(1 / bars[i] - 1)),
            mean_x0=float(betas[i] * np.sqrt(previous[i]) / (1 - bars[i])),
            mean_xt=float((1 - previous[i]) * np.sqrt(1 - betas[i]) / (1 - bars[i])),
            min_log_var=float(min_log[i]),
            max_log_var=float(np.log(betas[i])),
            noise=0.0 if i == 0 else 1.0,
            sqrt_alpha_bar=float(np.sqrt(bars[i])),
            sqrt_one_minus_alpha_bar=float(np.sqrt(1 - bars[i])),
        )
        for i, t in enumerate(kept)
    ]
