"""Context for the diffusion head: a token's neighbors. Not in the MAR paper."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from ..device import kernels
from .activations import silu


class HeadContext(nn.Module):
    """z of each token -> z with information about its neighbors: z + out(silu(conv(z, mel))).

    The convolution runs along the tokens, and the head stays an MLP over rows. Beyond either end and in
    padding the input is zero: the result for an utterance is the same alone and in a batch. A neighbor's mel
    is its own if it is visible, so that a sampled token fits those beside it; else it is the mel regression.
    The nonlinearity is needed because the regression is linear in z: a linear layer would add nothing that z
    does not have. Training starts with `out` at zero, so without context.

    Tokens of the same iteration are still sampled independently given z; the reveal order keeps them apart.
    """

    def __init__(self, z_channels: int, target_channels: int, neighbors: int, regression: bool):
        super().__init__()
        self.neighbors, self.regression = neighbors, regression
        in_channels = z_channels + (target_channels if regression else 0)
        self.conv = nn.Conv1d(in_channels, z_channels, 2 * neighbors + 1, padding=neighbors)
        self.out = nn.Linear(z_channels, z_channels)

    def __call__(
        self,
        z: mx.array,
        mel: mx.array | None = None,
        mask: mx.array | None = None,
        rows: mx.array | None = None,
    ) -> mx.array:
        """z [batch, tokens, z_channels] -> the same shape, or only some tokens, [rows, z_channels].

        Args:
            mel: [batch, tokens, target_channels], if `regression`, else None.
            mask: bool [batch, tokens], false where padded.
            rows: int [rows], the wanted tokens, indices into [batch x tokens]; None: all.
        """
        # the mel is float32; the head stays in the type of z
        x = z if mel is None else mx.concatenate([z, mel.astype(z.dtype)], axis=-1)
        if mask is not None:
            x = x * mask[..., None]
        if rows is None or kernels.on_gpu():  # where kernels are what counts, not numbers
            all_rows = z + self.out(silu(self.conv(x)))
            return all_rows if rows is None else all_rows.reshape(-1, z.shape[-1])[rows]
        h = self.windows(x, rows) @ self.conv.weight.reshape(len(self.conv.weight), -1).T + self.conv.bias
        return z.reshape(-1, z.shape[-1])[rows] + self.out(silu(h))

    def windows(self, x: mx.array, rows: mx.array) -> mx.array:
        """The tokens that the convolution reads for each row, [rows, tokens x channels]."""
        batch, tokens, channels = x.shape
        size, padding = self.conv.weight.shape[1], self.conv.padding
        x = mx.pad(x, [(0, 0), (padding, padding), (0, 0)]).reshape(-1, channels)
        if batch > 1:
            rows = rows + rows // tokens * (2 * padding)
        return x[rows[:, None] + mx.arange(size)].reshape(len(rows), -1)
