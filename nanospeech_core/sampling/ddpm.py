"""DDPM, for diffusion heads of objective "ddpm": the cosine noise schedule, and fewer sampling steps."""

from __future__ import annotations

import functools
import math
from dataclasses import astuple, dataclass

import numpy as np

TRAIN_STEPS = 1000  # of MAR's DDPM


@dataclass(frozen=True)
class DDPMStep:
    """One row of the respaced reverse process; x_t -> x_{t-1}. All Python floats."""

    timestep: float  # on the original 0..999 scale: the network's input
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
    """float32 [10, 1000]: the table for training, a row for each field of `DDPMStep`."""
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
