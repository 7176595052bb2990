"""Convolution in which each channel may have a kernel of its own, as MLX computes it fastest."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from ..device import kernels


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` for [batch, frames, in] -> [batch, frames, out]. Weights are [out, kernel, in / groups]."""

    def __call__(self, x: mx.array) -> mx.array:
        if self.groups != x.shape[-1] or self.groups != len(self.weight):
            return super().__call__(x)
        x = mx.pad(x, [(0, 0), (self.padding, self.padding), (0, 0)])  # a GPU's fast kernel takes no padding
        if kernels.on_gpu():
            return mx.conv1d(x, self.weight, groups=self.groups) + self.bias
        size = self.weight.shape[1]
        frames, taps = x.shape[1] - size + 1, self.weight[:, :, 0].T
        return sum(
            (x[:, k : k + frames] * taps[k] for k in range(size)), self.bias
        )  # MLX's takes 4 times this
