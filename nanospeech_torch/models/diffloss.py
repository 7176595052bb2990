"""MAR's diffusion loss (arXiv 2406.11838, 3.2): a small MLP denoises one token, conditioned on z.

Two objectives. "ddpm" is MAR's own: 1000-step cosine schedule, predicted noise, learned range variance
(arXiv 2102.09672), ancestral sampling over respaced steps. "flow" is a rectified flow (arXiv 2209.03003): the
network predicts the clean token, and a few Euler steps are enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nanospeech_core.sampling.ddpm import DDPMStep, ddpm_columns, ddpm_table
from nanospeech_core.sampling.schedules import ode_times
from nanospeech_core.sampling.timesteps import MIN_GAP, time_frequencies

from .context import HeadContext
from .layers import gated, modulate

MAX_ROWS = 2048  # whose modulations are computed at once: each takes a few thousand numbers


class TimestepEmbedder(nn.Module):
    """Timesteps [rows] on the 0..1000 scale -> [rows, hidden]."""

    def __init__(self, hidden: int, frequencies: int = 256):
        super().__init__()
        self.frequencies = frequencies
        self.mlp = nn.Sequential(nn.Linear(frequencies, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, t: Tensor) -> Tensor:
        half = self.frequencies // 2
        freqs = torch.from_numpy(time_frequencies(half, half)).to(t.device, non_blocking=True)
        angles = t[:, None].float() * freqs[None]
        sinusoids = torch.cat((angles.cos(), angles.sin()), dim=-1)
        return self.mlp(sinusoids.to(self.mlp[0].bias))


class ResBlock(nn.Module):
    """Layer norm, modulated, an MLP, a gate. `SimpleMLPAdaLN` computes the modulations of all blocks."""

    def __init__(self, channels: int):
        super().__init__()
        self.in_ln = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels))
        self.adaLN_modulation = nn.Sequential(nn.Identity(), nn.Linear(channels, 3 * channels))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """x [rows, channels], modulation [rows, 3 x channels]."""
        shift, scale, gate = modulation.chunk(3, dim=-1)
        return gated(x, gate, self.mlp(modulate(self.in_ln(x), shift, scale)))


class FinalLayer(nn.Module):
    """Layer norm without weights, modulated as in `ResBlock`, then the output projection."""

    def __init__(self, channels: int, out_channels: int):
        super().__init__()
        self.linear = nn.Linear(channels, out_channels)
        self.adaLN_modulation = nn.Sequential(nn.Identity(), nn.Linear(channels, 2 * channels))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """x [rows, channels], modulation [rows, 2 x channels]."""
        shift, scale = modulation.chunk(2, dim=-1)
        return self.linear(modulate(F.layer_norm(x, x.shape[-1:], eps=1e-6), shift, scale))


class SimpleMLPAdaLN(nn.Module):
    """The denoiser: rows of noised tokens, timesteps and conditions -> rows of `out_channels`."""

    def __init__(
        self, in_channels: int, model_channels: int, out_channels: int, z_channels: int, num_res_blocks: int
    ):
        super().__init__()
        self.time_embed = TimestepEmbedder(model_channels)
        self.cond_embed = nn.Linear(z_channels, model_channels)
        self.input_proj = nn.Linear(in_channels, model_channels)
        self.res_blocks = nn.ModuleList([ResBlock(model_channels) for _ in range(num_res_blocks)])
        self.final_layer = FinalLayer(model_channels, out_channels)

    def forward(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """x [rows, in_channels], t [rows] (or [1]) on the 0..1000 scale, c [rows, z_channels]."""
        return self.denoise(x, self.modulations(self.time_embed(t) + self.cond_embed(c)))

    def modulations(self, y: Tensor) -> Tensor:
        """The modulations of all layers side by side, [..., (3 x blocks + 2) x model_channels].

        They do not depend on x, so those of several steps can be computed at once.

        y: [..., model_channels], embedded timesteps plus embedded conditions.
        """
        y = F.silu(y)
        layers = [*self.res_blocks, self.final_layer]
        return torch.cat([layer.adaLN_modulation(y) for layer in layers], dim=-1)

    def denoise(self, x: Tensor, modulations: Tensor) -> Tensor:
        """modulations [rows, ...] of `modulations`."""
        x = self.input_proj(x.to(self.input_proj.bias.dtype))
        *parts, last = modulations.split(3 * x.shape[-1], dim=-1)
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
        out_channels = 2 * target_channels if objective == "ddpm" else target_channels
        self.net = SimpleMLPAdaLN(target_channels, width, out_channels, z_channels, depth)
        self.context = None
        if context or regression:
            self.context = HeadContext(z_channels, target_channels, context, regression)

    def add_context(
        self, z: Tensor, mel: Tensor | None, mask: Tensor | None = None, rows: Tensor | None = None
    ) -> Tensor:
        """The head's conditioning: z with its neighbors' context. Arguments and shapes: `HeadContext`.

        mel: visible tokens, elsewhere the mel regression, which gets no gradient from the head's loss.
        """
        if self.context is None:
            return z if rows is None else z.reshape(-1, z.shape[-1])[rows]
        mel = mel.detach() if self.context.regression and mel is not None else None
        return self.context(z, mel, mask, rows)

    def loss(self, target: Tensor, z: Tensor, t: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """The loss of each row.

        Args:
            target: clean tokens [rows, channels].
            z: conditions [rows, z_channels].
            t: "flow": float [rows] in [0, 1], 1 is clean; "ddpm": int64 [rows] in 0..999, 0 is clean.
            noise: standard normal [rows, channels].
        Returns:
            "loss" [rows]; for "ddpm" also its parts "mse" and "vb" (in bits; no gradient to the mean).
        """
        if self.objective == "flow":
            x = (1 - t[:, None]) * noise + t[:, None] * target
            error = self.net(x, 1000 * t, z).float() - target
            gap = (1 - t[:, None]).clamp(min=MIN_GAP)
            return {"loss": (error / gap).square().mean(-1)}
        return ddpm_loss(self.net, target, z, t, noise)

    def sample(
        self,
        z: Tensor,
        init: Tensor,
        noise: np.ndarray | Tensor | None,
        steps: int,
        temperature: float | Tensor,
        cfg: float | Tensor,
        times: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Sample a token per row, yielding the rows after each step; the last yield is the sample.

        Args:
            z: conditioning [rows, z_channels]; with guidance 2 x rows, the conditional rows first.
            init: standard normal [rows, channels].
            noise: for "ddpm" standard normal [steps, rows, channels], in the order of use; None for "flow".
            steps: denoising steps.
            temperature: scale of the noise: of each step ("ddpm", as in MAR) or of the start ("flow"); a
                number, or [rows, 1].
            cfg: guidance scale, used if z has 2 x rows; a number, or [rows, 1].
            times: the result of `embed_times(steps)`, if it is there already.
        """
        c = self.net.cond_embed(z)
        times = self.embed_times(steps) if times is None else times
        if self.objective == "flow":
            return self.sample_flow(c, init, times, temperature, cfg)
        assert noise is not None, "a ddpm head needs the noise of every step"
        return self.sample_ddpm(c, init, noise, times, temperature, cfg)

    def embed_times(self, steps: int) -> Tensor:
        """The embedded timesteps of `steps` denoising steps [steps, width], the noisiest first."""
        if self.objective == "flow":
            times = [1000 * t for t in ode_times(steps)[:-1]]
        else:
            times = [float(row.timestep) for row in reversed(ddpm_table(steps))]
        return self.net.time_embed(torch.tensor(times))

    def step_modulations(self, c: Tensor, times: Tensor) -> Iterator[Tensor]:
        """The modulations of each denoising step, those of several steps from one product.

        c: embedded conditioning [rows, width]; times: of `embed_times`.
        """
        steps = max(1, MAX_ROWS // len(c))
        for first in range(0, len(times), steps):
            yield from self.net.modulations(times[first : first + steps, None] + c)

    def predict(self, x: Tensor, modulations: Tensor, cfg: float | Tensor) -> Tensor:
        """The network's float32 output [rows, ...] for the modulations of `SimpleMLPAdaLN.denoise`.

        If these have twice as many rows, the first `channels` of the output are guided: u + cfg (c - u).
        """
        if len(modulations) == len(x):
            return self.net.denoise(x, modulations).float()
        cond, uncond = self.net.denoise(torch.cat((x, x)), modulations).float().chunk(2)
        guided = uncond[:, : self.channels] + cfg * (cond[:, : self.channels] - uncond[:, : self.channels])
        return torch.cat((guided, cond[:, self.channels :]), dim=-1)

    def sample_flow(
        self, c: Tensor, init: Tensor, times: Tensor, temperature: float | Tensor, cfg: float | Tensor
    ) -> Iterator[Tensor]:
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
        c: Tensor,
        init: Tensor,
        noise: np.ndarray | Tensor,
        times: Tensor,
        temperature: float | Tensor,
        cfg: float | Tensor,
    ) -> Iterator[Tensor]:
        """Ancestral sampling (arXiv 2102.09672) over respaced timesteps; c: embedded conditioning."""
        x, modulations = init, self.step_modulations(c, times)
        for row, step_noise, modulation in zip(
            reversed(ddpm_table(len(times))), noise, modulations, strict=True
        ):
            eps, variance = self.predict(x, modulation, cfg).chunk(2, dim=-1)
            clean = row.recip_sqrt_alpha_bar * x - row.sqrt_recip_alpha_bar_minus_one * eps
            mean = row.mean_x0 * clean + row.mean_xt * x
            share = (variance + 1) / 2
            log_var = share * row.max_log_var + (1 - share) * row.min_log_var
            scale = row.noise * temperature * torch.exp(0.5 * log_var)
            x = mean + scale * torch.as_tensor(step_noise, device=x.device)
            yield x


def ddpm_loss(net: SimpleMLPAdaLN, target: Tensor, z: Tensor, t: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """MAR's loss of each row: noise MSE plus the bound of the learned variance (arXiv 2102.09672, 3.1)."""
    columns = torch.as_tensor(ddpm_columns(), device=target.device)
    at = DDPMStep(*columns.to(target.dtype)[:, t, None])
    x = at.sqrt_alpha_bar * target + at.sqrt_one_minus_alpha_bar * noise
    eps, variance = net(x, t, z).float().chunk(2, dim=-1)
    mse = (noise - eps).square().mean(-1)

    eps = eps.detach()  # the bound trains the variance only, not the mean
    clean = at.recip_sqrt_alpha_bar * x - at.sqrt_recip_alpha_bar_minus_one * eps
    mean = at.mean_x0 * clean + at.mean_xt * x
    share = (variance + 1) / 2
    log_var = share * at.max_log_var + (1 - share) * at.min_log_var
    true_mean = at.mean_x0 * target + at.mean_xt * x
    true_log_var = at.min_log_var
    kl = 0.5 * (log_var - true_log_var - 1 + torch.exp(true_log_var - log_var))
    kl = kl + 0.5 * (true_mean - mean).square() * torch.exp(-log_var)
    nll = -discretized_log_likelihood(target, mean, 0.5 * log_var)
    vb = torch.where(t == 0, nll.mean(-1), kl.mean(-1)) / math.log(2)
    return {"loss": mse + vb, "mse": mse, "vb": vb}


def discretized_log_likelihood(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-likelihood of x in 255 bins over [-1, 1], the Gaussian by tanh (arXiv 2006.11239, eq. 13)."""

    def cdf(v: Tensor) -> Tensor:
        return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v * v * v)))

    inv = torch.exp(-log_scale)
    upper = cdf(inv * (x - mean + 1 / 255))
    lower = cdf(inv * (x - mean - 1 / 255))
    inside = torch.log((upper - lower).clamp(min=1e-12))
    low_tail = torch.log(upper.clamp(min=1e-12))
    high_tail = torch.log((1 - lower).clamp(min=1e-12))
    return torch.where(x < -0.999, low_tail, torch.where(x > 0.999, high_tail, inside))
