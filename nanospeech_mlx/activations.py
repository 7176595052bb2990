"""Activations as MLX computes them fastest, the same numbers to float32's rounding.

On a GPU they are `mlx.nn`'s, one kernel each. MLX's CPU build computes transcendental functions one number at
a time, so there `erf` and `tanh` are quotients of polynomials (4 ns for a GELU, 27 ns otherwise).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import mlx.core as mx
from mlx import nn

# Numerators and denominators in x^2, highest power first, and where the function is 1 in float32. erf: XLA's
# ErfImpl32; tanh: Eigen's generic_fast_tanh_float.
ERF = (
    (0.00022905065861350646, 0.0034082910107109506, 0.050955695062380861, 0.18520832239976145,
     1.128379143519084),
    (-1.1791602954361697e-7, 0.000023547966471313185, 0.0010179625278914885, 0.014070470171167667,
     0.11098505178285362, 0.49746925110067538, 1.0),
    3.832506856900711,
)  # fmt: skip
TANH = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
     1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
    7.90531110763549805,
)  # fmt: skip
NOTHING = -6.0  # a GELU of less is 0; the quotients' last bit must not be multiplied by more


def on_gpu() -> bool:
    """New arrays are made on a GPU."""
    return mx.default_device() == mx.gpu


class GELU(nn.Module):
    """x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3) (arXiv 1606.08415)."""

    def __call__(self, x: mx.array) -> mx.array:
        return gelu_tanh(x)


class Mish(nn.Module):
    """x tanh(log(1 + e^x)) (arXiv 1908.08681), which is x n / (n + 2) with n = e^x (e^x + 2)."""

    def __call__(self, x: mx.array) -> mx.array:
        return mish(x)


def _quotient(
    x: mx.array, numerator: Sequence[float], denominator: Sequence[float], bound: float
) -> mx.array:
    x = mx.clip(x, -bound, bound)
    square = x * x
    above, below = numerator[0], denominator[0]
    for coefficient in numerator[1:]:
        above = above * square + coefficient
    for coefficient in denominator[1:]:
        below = below * square + coefficient
    return x * above / below


def gelu(x: mx.array) -> mx.array:
    """x (1 + erf(x / sqrt(2))) / 2, of the shape and type of x (arXiv 1606.08415)."""
    return nn.gelu(x) if on_gpu() else gelu_by_quotient(x)


def gelu_tanh(x: mx.array) -> mx.array:
    """What `GELU` computes."""
    return nn.gelu_approx(x) if on_gpu() else gelu_tanh_by_quotient(x)


def mish(x: mx.array) -> mx.array:
    """What `Mish` computes."""
    return nn.mish(x) if on_gpu() else mish_by_quotient(x)


@partial(mx.compile, shapeless=True)
def gelu_by_quotient(x: mx.array) -> mx.array:
    v = x.astype(mx.float32)
    return (0.5 * mx.maximum(v, NOTHING) * (1 + _quotient(v * math.sqrt(0.5), *ERF))).astype(x.dtype)


@partial(mx.compile, shapeless=True)
def gelu_tanh_by_quotient(x: mx.array) -> mx.array:
    v = x.astype(mx.float32)
    u = math.sqrt(2 / math.pi) * (v + 0.044715 * v * v * v)
    return (0.5 * mx.maximum(v, NOTHING) * (1 + _quotient(u, *TANH))).astype(x.dtype)


@partial(mx.compile, shapeless=True)
def mish_by_quotient(x: mx.array) -> mx.array:
    e = mx.exp(mx.minimum(x.astype(mx.float32), 20.0))  # past 20 it is x; float16 would overflow before
    n = e * (e + 2)
    return (x * (n / (n + 2))).astype(x.dtype)
