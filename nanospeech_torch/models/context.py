"""Context for the diffusion head: a token's neighbors. Not in the MAR paper."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Conv1d


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
        self.conv = Conv1d(in_channels, z_channels, 2 * neighbors + 1, padding=neighbors)
        self.out = nn.Linear(z_channels, z_channels)

    def forward(
        self,
        z: Tensor,
        mel: Tensor | None = None,
        mask: Tensor | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """z [batch, tokens, z_channels] -> the same shape, or only some tokens, [rows, z_channels].

        Args:
            mel: [batch, tokens, target_channels], if `regression`, else None.
            mask: bool [batch, tokens], false where padded.
            rows: int [rows], the wanted tokens, indices into [batch x tokens]; None: all.
        """
        # the mel is float32; the head stays in the type of z
        x = z if mel is None else torch.cat((z, mel.to(z.dtype)), dim=-1)
        if mask is not None:
            x = x * mask[..., None]
        if rows is None:
            return z + self.out(F.silu(self.conv(x)))
        weight = self.conv.weight.transpose(1, 2).flatten(1)  # [z_channels, kernel x in_channels]
        h = F.linear(self.windows(x, rows), weight, self.conv.bias)
        return z.flatten(0, 1)[rows] + self.out(F.silu(h))

    def windows(self, x: Tensor, rows: Tensor) -> Tensor:
        """The tokens that the convolution reads for each row, [rows, tokens x channels]."""
        tokens, size = x.shape[1], self.conv.weight.shape[-1]
        padding = size // 2
        x = F.pad(x, (0, 0, padding, padding)).flatten(0, 1)
        first = rows + rows // tokens * (2 * padding)
        return x[first[:, None] + torch.arange(size, device=rows.device)].flatten(1)
