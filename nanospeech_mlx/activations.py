"""Activations, attention's softmax and the vocoder's waves as MLX computes them fastest, the same numbers to
float32's rounding.

On a GPU they are MLX's own, one kernel each. Its CPU build computes transcendental functions one number at a
time, so there `erf` and `tanh` are quotients of polynomials (4 ns for a GELU, 27 ns otherwise), exponentials,
sines and cosines polynomials and squares (1 to 2 ns, 9 to 20 ns otherwise).
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
TURN = (6.28125, 0.0019353071795864769)  # 2 pi in two parts, of which few multiples round
NOTHING = -6.0  # a GELU of less is 0; the quotients' last bit must not be multiplied by more


def on_gpu() -> bool:
    """New arrays are made on a GPU."""
    return mx.default_device() == mx.gpu


class GELU(nn.Module):
    """x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3) (arXiv 1606.08415)."""

    def __call__(self, x: mx.array) -> mx.array:
        return gelu_tanh(x)


class SiLU(nn.Module):
    """x / (1 + e^-x) (arXiv 1702.03118)."""

    def __call__(self, x: mx.array) -> mx.array:
        return silu(x)


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


def silu(x: mx.array) -> mx.array:
    """What `SiLU` computes."""
    return nn.silu(x) if on_gpu() else silu_by_quotient(x)


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
def silu_by_quotient(x: mx.array) -> mx.array:
    v = x.astype(mx.float32)
    return (0.5 * mx.maximum(v, -16.0) * (1 + _quotient(0.5 * v, *TANH))).astype(x.dtype)


@partial(mx.compile, shapeless=True)
def mish_by_quotient(x: mx.array) -> mx.array:
    e = mx.exp(mx.minimum(x.astype(mx.float32), 20.0))  # past 20 it is x; float16 would overflow before
    n = e * (e + 2)
    return (x * (n / (n + 2))).astype(x.dtype)


def attend(q: mx.array, k: mx.array, v: mx.array, scale: float, mask: mx.array | None) -> mx.array:
    """softmax(scale q k^T) v, all [batch, heads, tokens, dim]; mask bool [batch, 1, 1, tokens] of the keys,
    false where padded.
    """
    if on_gpu():
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    scores = ((scale * q) @ k.swapaxes(2, 3)).astype(mx.float32)
    if mask is not None:
        scores = mx.where(mask, scores, -1e9)
    weights = exp_by_squaring(scores - mx.max(scores, axis=-1, keepdims=True))
    return ((weights / mx.sum(weights, axis=-1, keepdims=True)).astype(v.dtype)) @ v


def polar(log_magnitude: mx.array, phase: mx.array, largest: float) -> mx.array:
    """The complex numbers min(e^log_magnitude, largest) e^(i phase) of two float32 arrays."""
    if on_gpu():
        magnitude, sine, cosine = mx.exp(log_magnitude), mx.sin(phase), mx.cos(phase)
    else:
        magnitude = exp_by_squaring(mx.minimum(log_magnitude, math.log(largest) + 1))
        sine, cosine = waves_by_powers(phase)
    magnitude = mx.minimum(magnitude, largest)
    return magnitude * cosine + 1j * (magnitude * sine)


@partial(mx.compile, shapeless=True)
def exp_by_squaring(x: mx.array) -> mx.array:
    """e^x of float32 up to 5 or so as (e^(x / 16))^16: to 3e-6 of it from -5 on, to 1e-7 of 1 below."""
    v = mx.maximum(x, -30.0) * (1 / 16)
    y = 1 + v * (1 + v * (1 / 2 + v * (1 / 6 + v * (1 / 24 + v * (1 / 120 + v * (1 / 720))))))
    for _ in range(4):
        y = y * y
    return y


@partial(mx.compile, shapeless=True)
def waves_by_powers(x: mx.array) -> tuple[mx.array, mx.array]:
    """sin x and cos x of float32, of half the angle within a half-turn by their series, then doubled."""
    turns = mx.round(x * (1 / (2 * math.pi)))
    half = 0.5 * ((x - turns * TURN[0]) - turns * TURN[1])
    square = half * half
    sine, cosine = 0.0, 0.0
    for n in range(12, -1, -2):
        cosine = cosine * square + (-1) ** (n // 2) / math.factorial(n)
    for n in range(13, 0, -2):
        sine = sine * square + (-1) ** (n // 2) / math.factorial(n)
    sine = sine * half
    return 2 * sine * cosine, cosine * cosine - sine * sine
