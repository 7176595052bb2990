"""MAR's diffusion loss (arXiv 2406.11838, 3.2): a small MLP denoises one token, conditioned on z.

"ddpm" is MAR's own objective: 1000-step cosine schedule, predicted noise, learned variance (2102.09672),
ancestral sampling over respaced steps. "flow" is a rectified flow (2209.03003) that predicts the clean token.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn

from nanospeech_core.sampling.ddpm import DDPMStep, ddpm_columns, ddpm_table
from nanospeech_core.sampling.schedules import ode_times
from nanospeech_core.sampling.timesteps import MIN_GAP, time_frequencies

from ..device.constants import Constants
from ..device.halves import first_and_rest
from .activations import LayerNorm, SiLU, layer_norm, silu
from .context import HeadContext
from .layers import gated, modulate

MAX_ROWS = 2048  # whose modulations are computed at once: each takes a few thousand numbers


class TimestepEmbedder(nn.Module):
    """Timesteps [rows] on the 0..1000 scale -> [rows, hidden]."""

    def __init__(self, hidden: int, frequencies: int = 256):
        super().__init__()
        self.frequencies = frequencies
        self.mlp = [nn.Linear(frequencies, hidden), SiLU(), nn.Linear(hidden, hidden)]

    def __call__(self, t: mx.array) -> mx.array:
        half = self.frequencies // 2
        freqs = mx.array(time_frequencies(half, half))
        angles = t[:, None].astype(mx.float32) * freqs[None]
        sinusoids = mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)
        up, silu, down = self.mlp
        return down(silu(up(sinusoids.astype(up.bias.dtype))))


class ResBlock(nn.Module):
    """Layer norm, modulated, an MLP, a gate; modulation [rows, 3 x channels]."""

    def __init__(self, channels: int):
        super().__init__()
        self.in_ln = LayerNorm(channels, eps=1e-6)
        self.mlp = [nn.Linear(channels, channels), SiLU(), nn.Linear(channels, channels)]
        self.adaLN_modulation = [nn.Identity(), nn.Linear(channels, 3 * channels)]

    def __call__(self, x: mx.array, modulation: mx.array) -> mx.array:
        shift, scale, gate = mx.split(modulation, 3, axis=-1)
        up, silu, down = self.mlp
        return gated(x, gate, down(silu(up(modulate(self.in_ln(x), shift, scale)))))


class FinalLayer(nn.Module):
    """Layer norm without weights, modulated (by [rows, 2 x channels]), then the output projection."""

    def __init__(self, channels: int, out_channels: int):
        super().__init__()
        self.linear = nn.Linear(channels, out_channels)
        self.adaLN_modulation = [nn.Identity(), nn.Linear(channels, 2 * channels)]

    def __call__(self, x: mx.array, modulation: mx.array) -> mx.array:
        shift, scale = mx.split(modulation, 2, axis=-1)
        return self.linear(modulate(layer_norm(x), shift, scale))


class SimpleMLPAdaLN(nn.Module):
    """The denoiser: rows of noised tokens, timesteps and conditions -> rows of `out_channels`."""

    def __init__(
        self, in_channels: int, model_channels: int, out_channels: int, z_channels: int, num_res_blocks: int
    ):
        super().__init__()
        self.time_embed = TimestepEmbedder(model_channels)
        self.cond_embed = nn.Linear(z_channels, model_channels)
        self.input_proj = nn.Linear(in_channels, model_channels)
        self.res_blocks = [ResBlock(model_channels) for _ in range(num_res_blocks)]
        self.final_layer = FinalLayer(model_channels, out_channels)

    def __call__(self, x: mx.array, t: mx.array, c: mx.array) -> mx.array:
        """x [rows, in_channels], t [rows] (or [1]) on the 0..1000 scale, c [rows, z_channels]."""
        return self.denoise(x, self.modulations(self.time_embed(t) + self.cond_embed(c)))

    def modulations(self, y: mx.array) -> mx.array:
        """y [..., width], times plus conditions -> of all layers, [..., (3 x blocks + 2) x width]."""
        y = silu(y)
        if "to_modulations" in self:  # of `fuse_layers`
            return self.to_modulations(y)
        layers: list[Any] = [*self.res_blocks, self.final_layer]
        return mx.concatenate([layer.adaLN_modulation[1](y) for layer in layers], axis=-1)

    def denoise(self, x: mx.array, modulations: mx.array) -> mx.array:
        """modulations [rows, ...] of `modulations`."""
        x = self.input_proj(x.astype(self.input_proj.bias.dtype))
        count, width = len(self.res_blocks), 3 * x.shape[-1]
        *parts, last = mx.split(modulations, [width * (k + 1) for k in range(count)], axis=-1)
        for block, part in zip(self.res_blocks, parts, strict=True):
            x = block(x, part)
        return self.final_layer(x, last)


class DiffLoss(nn.Module):
    """The per-token diffusion head. Arguments: `DiffLossConfig`.

    Args:
        target_channels: numbers in a token.
        z_channels: width of the condition z.
        depth, width: of the MLP.
        objective: "ddpm" or "flow".
        context: how many neighbors on each side are part of the conditioning (`add_context`).
        regression: whether their mel is too: their own if visible, else the mel regression.
    """

    def __init__(
        self,
        target_channels: int,
        z_channels: int,
        depth: int,
        width: int,
        objective: str = "ddpm",
        context: int = 0,
        regression: bool = False,
    ):
        super().__init__()
        self.channels, self.objective = target_channels, objective
        self.constants = Constants()
        out_channels = 2 * target_channels if objective == "ddpm" else target_channels
        self.net = SimpleMLPAdaLN(target_channels, width, out_channels, z_channels, depth)
        self.context = None
        if context or regression:
            self.context = HeadContext(z_channels, target_channels, context, regression)

    def add_context(
        self, z: mx.array, mel: mx.array | None, mask: mx.array | None = None, rows: mx.array | None = None
    ) -> mx.array:
        """The head's conditioning: z with its neighbors' context. Arguments and shapes: `HeadContext`.

        mel: visible tokens, elsewhere the mel regression, which gets no gradient from the head's loss.
        """
        if self.context is None:
            return z if rows is None else z.reshape(-1, z.shape[-1])[rows]
        mel = mx.stop_gradient(mel) if self.context.regression and mel is not None else None
        return self.context(z, mel, mask, rows)

    def loss(self, target: mx.array, z: mx.array, t: mx.array, noise: mx.array) -> dict[str, mx.array]:
        """The loss of each row.

        Args:
            target: clean tokens [rows, channels].
            z: conditions [rows, z_channels].
            t: "flow": float [rows] in [0, 1], 1 is clean; "ddpm": int32 [rows] in 0..999, 0 is clean.
            noise: standard normal [rows, channels].
        Returns:
            "loss" [rows]; for "ddpm" also its parts "mse" and "vb" (in bits; no gradient to the mean).
        """
        if self.objective == "flow":
            x = (1 - t[:, None]) * noise + t[:, None] * target
            error = self.net(x, 1000 * t, z).astype(mx.float32) - target
            gap = mx.maximum(1 - t[:, None], MIN_GAP)
            return {"loss": (error / gap).square().mean(-1)}
        return ddpm_loss(self.net, target, z, t, noise)

    def sample(
        self,
        z: mx.array,
        init: mx.array,
        noise: np.ndarray | mx.array | None,
        steps: int,
        temperature: float | mx.array,
        cfg: float | mx.array,
        times: mx.array | None = None,
    ) -> Iterator[mx.array]:
        """Sample a token per row, yielding the rows after each step; the last yield is the sample.

        Args:
            z: conditioning [rows, z_channels]; with guidance 2 x rows, the conditional rows first.
            init: standard normal [rows, channels].
            noise: for "ddpm" standard normal [steps, rows, channels], in the order of use; None for "flow".
            steps: denoising steps.
            temperature: scale of the noise: of each step ("ddpm", as in MAR) or of the start ("flow"); a
                number, or [rows, 1].
            cfg: guidance scale, used if z has 2 x rows; a number, or [rows, 1].
            times: of `embed_times(steps)`, if it is there already.
        """
        c = self.net.cond_embed(z)
        times = self.embed_times(steps) if times is None else times
        if self.objective == "flow":
            return self.sample_flow(c, init, times, temperature, cfg)
        assert noise is not None, "a ddpm head needs the noise of every step"
        return self.sample_ddpm(c, init, noise, times, temperature, cfg)

    def embed_times(self, steps: int) -> mx.array:
        """The embedded timesteps of `steps` denoising steps [steps, width], the noisiest first."""
        if self.objective == "flow":
            times = [1000 * t for t in ode_times(steps)[:-1]]
        else:
            times = [float(row.timestep) for row in reversed(ddpm_table(steps))]
        embed = self.net.time_embed
        (embedded,) = self.constants.get(steps, embed.mlp, lambda: [embed(mx.array(times))])
        return embedded

    def step_modulations(self, c: mx.array, times: mx.array) -> Iterator[mx.array]:
        """The modulations of each step; c [rows, width], times [steps, width]."""
        steps = max(1, MAX_ROWS // len(c))
        for first in range(0, len(times), steps):
            yield from first_and_rest(self.net.modulations, times[first : first + steps, None] + c)

    def predict(self, x: mx.array, modulations: mx.array, cfg: float | mx.array) -> mx.array:
        """The network's float32 output [rows, ...] for the modulations of `SimpleMLPAdaLN.denoise`.

        If these have twice as many rows, the first `channels` of the output are guided: u + cfg (c - u).
        """
        if len(modulations) == len(x):
            return self.net.denoise(x, modulations).astype(mx.float32)
        cond, uncond = mx.split(self.net.denoise(mx.concatenate([x, x]), modulations).astype(mx.float32), 2)
        guided = uncond[:, : self.channels] + cfg * (cond[:, : self.channels] - uncond[:, : self.channels])
        return mx.concatenate([guided, cond[:, self.channels :]], axis=-1)

    def sample_flow(
        self,
        c: mx.array,
        init: mx.array,
        times: mx.array,
        temperature: float | mx.array,
        cfg: float | mx.array,
    ) -> Iterator[mx.array]:
        """Euler steps from noise (0) to token (1); c: embedded conditioning [rows or 2 x rows, width]."""
        x = init * temperature
        points = ode_times(len(times))
        modulations = self.step_modulations(c, times)
        for t, end, modulation in zip(points[:-1], points[1:], modulations, strict=True):
            clean = self.predict(x, modulation, cfg)
            x = x + (clean - x) * ((end - t) / (1 - t))
            yield x

    def sample_ddpm(
        self,
        c: mx.array,
        init: mx.array,
        noise: np.ndarray | mx.array,
        times: mx.array,
        temperature: float | mx.array,
        cfg: float | mx.array,
    ) -> Iterator[mx.array]:
        """Ancestral sampling (arXiv 2102.09672) over respaced timesteps; c: embedded conditioning."""
        x, rows = init, reversed(ddpm_table(len(times)))
        for row, step_noise, modulation in zip(rows, noise, self.step_modulations(c, times), strict=True):
            eps, variance = mx.split(self.predict(x, modulation, cfg), 2, axis=-1)
            clean = row.recip_sqrt_alpha_bar * x - row.sqrt_recip_alpha_bar_minus_one * eps
            mean = row.mean_x0 * clean + row.mean_xt * x
            share = (variance + 1) / 2
            log_var = share * row.max_log_var + (1 - share) * row.min_log_var
            scale = row.noise * temperature * mx.exp(0.5 * log_var)
            x = mean + scale * mx.array(step_noise)
            yield x


def ddpm_loss(
    net: SimpleMLPAdaLN, target: mx.array, z: mx.array, t: mx.array, noise: mx.array
) -> dict[str, mx.array]:
    """MAR's loss of each row: noise MSE plus the bound of the learned variance (arXiv 2102.09672, 3.1)."""
    at = DDPMStep(*mx.array(ddpm_columns(), dtype=target.dtype)[:, t, None])
    x = at.sqrt_alpha_bar * target + at.sqrt_one_minus_alpha_bar * noise
    eps, variance = mx.split(net(x, t, z).astype(mx.float32), 2, axis=-1)
    mse = (noise - eps).square().mean(-1)

    eps = mx.stop_gradient(eps)  # the bound trains the variance only, not the mean
    clean = at.recip_sqrt_alpha_bar * x - at.sqrt_recip_alpha_bar_minus_one * eps
    mean = at.mean_x0 * clean + at.mean_xt * x
    share = (variance + 1) / 2
    log_var = share * at.max_log_var + (1 - share) * at.min_log_var
    true_mean = at.mean_x0 * target + at.mean_xt * x
    kl = 0.5 * (log_var - at.min_log_var - 1 + mx.exp(at.min_log_var - log_var))
    kl = kl + 0.5 * (true_mean - mean).square() * mx.exp(-log_var)
    nll = -discretized_log_likelihood(target, mean, 0.5 * log_var)
    vb = mx.where(t == 0, nll.mean(-1), kl.mean(-1)) / math.log(2)
    return {"loss": mse + vb, "mse": mse, "vb": vb}


def discretized_log_likelihood(x: mx.array, mean: mx.array, log_scale: mx.array) -> mx.array:
    """Log-likelihood of x in 255 bins over [-1, 1], the Gaussian by tanh (arXiv 2006.11239, eq. 13)."""

    def cdf(v: mx.array) -> mx.array:
        return 0.5 * (1 + mx.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v * v * v)))

    inv = mx.exp(-log_scale)
    upper = cdf(inv * (x - mean + 1 / 255))
    lower = cdf(inv * (x - mean - 1 / 255))
    inside = mx.log(mx.maximum(upper - lower, 1e-12))
    low_tail = mx.log(mx.maximum(upper, 1e-12))
    high_tail = mx.log(mx.maximum(1 - lower, 1e-12))
    return mx.where(x < -0.999, low_tail, mx.where(x > 0.999, high_tail, inside))
