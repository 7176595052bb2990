"""Context for the diffusion head: a token's neighbors. Not in the MAR paper."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from .activations import silu


class HeadContext(nn.Module):
    """z of each token -> z with information about its neighbors: z + out(silu(conv(z, mel))).

    The convolution runs along all tokens before the rows to be sampled are selected, so the head stays an MLP
    over rows. Beyond either end and in padding the input is zero: the result for an utterance is the same
    alone and in a batch. A neighbor's mel is its own if it is visible, so that a sampled token fits those
    beside it; else it is the mel regression. The nonlinearity is needed because the regression is linear in
    z: a linear layer would add nothing that z does not have. Training starts with `out` at zero, so without
    context.

    Tokens of the same iteration are still sampled independently given z; the reveal order keeps them apart.
    """

    def __init__(self, z_channels: int, target_channels: int, neighbors: int, regression: bool):
        super().__init__()
        self.regression = regression
        in_channels = z_channels + (target_channels if regression else 0)
        self.conv = nn.Conv1d(in_channels, z_channels, 2 * neighbors + 1, padding=neighbors)
        self.out = nn.Linear(z_channels, z_channels)

    def __call__(self, z: mx.array, mel: mx.array | None = None, mask: mx.array | None = None) -> mx.array:
        """z [batch, tokens, z_channels].

        mel: [batch, tokens, target_channels], if `regression`, else None; mask: bool [batch, tokens], false
        where padded.
        """
        # the mel is float32; the head stays in the type of z
        x = z if mel is None else mx.concatenate([z, mel.astype(z.dtype)], axis=-1)
        if mask is not None:
            x = x * mask[..., None]
        return z + self.out(silu(self.conv(x)))
