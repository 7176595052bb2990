"""Activations as MLX computes them fastest: one exponential each, the same numbers to rounding."""

from __future__ import annotations

from functools import partial

import mlx.core as mx
from mlx import nn


class GELU(nn.Module):
    """x (1 + tanh u) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3) (arXiv 1606.08415)."""

    def __call__(self, x: mx.array) -> mx.array:
        return gelu_tanh(x)


class Mish(nn.Module):
    """x tanh(log(1 + e^x)) (arXiv 1908.08681), which is x n / (n + 2) with n = e^x (e^x + 2)."""

    def __call__(self, x: mx.array) -> mx.array:
        return mish(x)


@partial(mx.compile, shapeless=True)
def gelu_tanh(x: mx.array) -> mx.array:
    return x * mx.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


@partial(mx.compile, shapeless=True)
def mish(x: mx.array) -> mx.array:
    e = mx.exp(mx.minimum(x.astype(mx.float32), 20.0))  # past 20 it is x; float16 would overflow before
    n = e * (e + 2)
    return (x * (n / (n + 2))).astype(x.dtype)
