"""Convolution over channels-last input, which MLX has and torch has not."""

from __future__ import annotations

from torch import Tensor, nn


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` for [batch, frames, in] -> [batch, frames, out]. Weights are [out, in / groups, kernel]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)
