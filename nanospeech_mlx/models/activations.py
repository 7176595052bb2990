"""Activations, norms, linear layers, attention's softmax and the vocoder's waves as MLX is fastest.

On a GPU they are MLX's own functions, one kernel each (`kernels.fused`). MLX's CPU build computes
transcendental functions one number at a time, in 10 to 30 ns; an addition takes 0.1 ns. So on a CPU they are
polynomials or quotients of polynomials, with as few operations as float32's precision allows. The
coefficients minimize the greatest error in the interval that is given (Lawson's reweighted least squares).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import mlx.core as mx
import numpy as np
from mlx import nn

from ..device import kernels
from ..device.kernels import fused

# What GELU has less than max(x, 0) is |x| / p(|x|)^(2^k); highest powers of p first, then k. The error of
# both is below 2e-6: of the normal distribution, and of GELU's approximation by tanh.
NORMAL = (
    (0.0001002797216642648, -0.00012230836728122085, 0.003674061968922615, 0.021888716146349907,
     0.0521368682384491, 1.0442674160003662),
    4,
)  # fmt: skip
NORMAL_TANH = (
    (7.946246478240937e-05, -0.00024414746440015733, 0.0015494967810809612, 0.010416675359010696,
     0.025488464161753654, 1.021897554397583),
    5,
)  # fmt: skip
# f(x) - 1/2 = x P(x^2) / Q(x^2) within the bound, beyond which f is 0 or 1 in float32: the logistic function
# (its error 7e-8).
LOGISTIC = (
    (46.66241455078125, 48498.73828125, 8524426.0, 264043936.0),
    (3911.6201171875, 1568674.25, 122111792.0, 1056176448.0),
    16.0,
)
# e^v to the 16th power: of v in [-1/2, 0], to 5e-7 of it, and in [-5/16, 5.7/16], to 1e-7.
EXP = (
    0.006475534290075302, 0.0406455360352993, 0.16640037298202515, 0.4999680519104004, 0.9999985694885254,
    1.0,
)  # fmt: skip
EXP_TO_300 = (
    0.0014124646550044417, 0.008365804329514503, 0.04166455194354057, 0.16666541993618011, 0.5000000596046448,
    1.0, 1.0,
)  # fmt: skip
# sin(x / 2) / x, to 3e-9 of its sine, and cos(x / 2), to 5e-8, by x^2 up to pi^2.
SINE = (5.059233920690076e-09, -1.546938960927946e-06, 0.0002604030887596309, -0.02083330973982811, 0.5)
COSINE = (9.04388102185294e-08, -2.1646304958267137e-05, 0.0026039734948426485, -0.1249997615814209, 1.0)
TURN = (6.28125, 0.0019353071795864769)  # 2 pi in two parts; multiples of the first up to 2^16 are exact
ROUND = 1.5 * 2**23  # added and subtracted again, it rounds a float32 to the nearest whole number

# On a CPU an operation costs about 5 us, whatever its size: few slow ones are better for few numbers.
FEW = 4_000


class GELU(nn.Module):
    """x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3) (arXiv 1606.08415)."""

    def __call__(self, x: mx.array) -> mx.array:
        return gelu_tanh(x)


class Linear(nn.Linear):
    """`nn.Linear`; on a CPU the bias is added to the product, else MLX first copies it for every row."""

    def __call__(self, x: mx.array) -> mx.array:
        if kernels.on_gpu() or "bias" not in self:
            return super().__call__(x)
        return x @ self.weight.T + self.bias


class LayerNorm(nn.LayerNorm):
    """`nn.LayerNorm` by `layer_norm`."""

    def __call__(self, x: mx.array) -> mx.array:
        return layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class SiLU(nn.Module):
    """x / (1 + e^-x) (arXiv 1702.03118)."""

    def __call__(self, x: mx.array) -> mx.array:
        return silu(x)


class Mish(nn.Module):
    """x tanh(log(1 + e^x)) (arXiv 1908.08681)."""

    def __call__(self, x: mx.array) -> mx.array:
        return mish(x)


def gelu(x: mx.array) -> mx.array:
    """x (1 + erf(x / sqrt(2))) / 2, of the shape and type of x (arXiv 1606.08415)."""
    return _gelu(x) if _one_by_one(x) else without_tail(x, *NORMAL)


def gelu_tanh(x: mx.array) -> mx.array:
    """The function of `GELU`."""
    return _gelu_tanh(x) if _one_by_one(x) else without_tail(x, *NORMAL_TANH)


def silu(x: mx.array) -> mx.array:
    """The function of `SiLU`."""
    return _silu(x) if _one_by_one(x) else times_quotient(x, *LOGISTIC)


def mish(x: mx.array) -> mx.array:
    """The function of `Mish`."""
    return _mish(x) if kernels.on_gpu() else mish_by_squaring(x)


def _one_by_one(x: mx.array) -> bool:
    """Whether MLX's own functions are the fastest for x."""
    return kernels.on_gpu() or x.size < FEW


@fused
def _gelu(x: mx.array) -> mx.array:
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


@fused
def _gelu_tanh(x: mx.array) -> mx.array:
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@fused
def _silu(x: mx.array) -> mx.array:
    return x * mx.sigmoid(x)


@fused
def _mish(x: mx.array) -> mx.array:
    return x * mx.tanh(mx.logaddexp(x, 0))


def polynomial(x: mx.array, coefficients: Sequence[float]) -> mx.array:
    """By Horner's rule, the coefficients of the highest powers first."""
    value = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def without_tail(x: mx.array, base: Sequence[float], squarings: int) -> mx.array:
    """max(x, 0) - |x| / p(|x|)^(2^squarings); the base p grows, so that nothing must be clipped."""
    v = x.astype(mx.float32)
    size = mx.abs(v)
    power = polynomial(size, base)
    for _ in range(squarings):
        power = power * power
    return (mx.maximum(v, 0.0) - size / power).astype(x.dtype)


def times_quotient(
    x: mx.array, numerator: Sequence[float], denominator: Sequence[float], bound: float
) -> mx.array:
    """x f(x) for f(x) = 1/2 + x P(x^2) / Q(x^2); the denominator's highest coefficient is 1, not listed."""
    v = mx.maximum(x.astype(mx.float32), -bound)  # below -bound, x must not multiply the rounding error of f
    clipped = mx.minimum(v, bound)
    square = clipped * clipped
    below = square + denominator[0]
    for coefficient in denominator[1:]:
        below = below * square + coefficient
    return (v * (clipped * (polynomial(square, numerator) / below) + 0.5)).astype(x.dtype)


def mish_by_squaring(x: mx.array) -> mx.array:
    """x n / (n + 2) with n = e^x (e^x + 2); past 9 it is x in float32."""
    v = x.astype(mx.float32)
    e = power_16(mx.clip(v, -30.0, 9.0) * (1 / 16), EXP_TO_300)
    n = e * (e + 2)
    return (v * (n / (n + 2))).astype(x.dtype)


def power_16(v: mx.array, exponential: Sequence[float]) -> mx.array:
    """(e^v)^16, the exponential by its polynomial; 16 v must not be below -30."""
    y = polynomial(v, exponential)
    for _ in range(4):
        y = y * y
    return y


def attend(q: mx.array, k: mx.array, v: mx.array, scale: float, mask: mx.array | None) -> mx.array:
    """softmax(scale q k^T) v, all [batch, heads, tokens, dim]; mask bool [batch, 1, 1, tokens] of the keys,
    false where padded.
    """
    if kernels.on_gpu():
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    scores = ((scale / 16 * q) @ k.swapaxes(2, 3)).astype(mx.float32)
    if mask is not None:
        scores = mx.where(mask, scores, -1e9)
    weights = power_16(mx.maximum(scores - mx.max(scores, axis=-1, keepdims=True), -30 / 16), EXP)
    total = weights @ _ones(k.shape[2])  # five times as fast as `mx.sum`
    return (weights.astype(v.dtype) @ v) / total.astype(v.dtype)


def layer_norm(
    x: mx.array, weight: mx.array | None = None, bias: mx.array | None = None, eps: float = 1e-6
) -> mx.array:
    """`mx.fast.layer_norm`; of float32 on a CPU in half the time, as sums over the last axis are products."""
    if kernels.on_gpu() or x.dtype != mx.float32:
        return mx.fast.layer_norm(x, weight, bias, eps)
    mean = _averages(x.shape[-1])
    x = x - x @ mean
    scale = mx.rsqrt(mx.square(x) @ mean + eps)
    x = x * scale
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


@functools.lru_cache(16)
def _averages(size: int) -> mx.array:
    """A column that multiplies rows of a size to their means, [size, 1]."""
    column = mx.array(np.full((size, 1), 1 / size, np.float32))
    mx.eval(column)  # other threads may use it
    return column


@functools.lru_cache(64)
def _ones(size: int) -> mx.array:
    """A column that multiplies rows of a size to their sums, [size, 1]."""
    column = mx.array(np.ones((size, 1), np.float32))
    mx.eval(column)  # other threads may use it
    return column


def polar(log_magnitude: mx.array, phase: mx.array, largest: float) -> mx.array:
    """The complex numbers min(e^log_magnitude, largest) e^(i phase) of two float32 arrays."""
    if kernels.on_gpu():
        magnitude = mx.minimum(mx.exp(log_magnitude), largest)
        return magnitude * mx.cos(phase) + 1j * (magnitude * mx.sin(phase))
    log_magnitude = mx.clip(log_magnitude, -30.0, math.log(largest))
    magnitude = power_16(log_magnitude * (1 / 16), EXP_TO_300)
    return mx.stack([*waves(phase, magnitude)], axis=-1).view(mx.complex64)[..., 0]


def waves(phase: mx.array, magnitude: mx.array) -> tuple[mx.array, mx.array]:
    """magnitude cos(phase) and magnitude sin(phase) of float32, by the sine and cosine of half the angle."""
    turns = (phase * (1 / (2 * math.pi)) + ROUND) - ROUND
    angle = (phase - turns * TURN[0]) - turns * TURN[1]
    square = angle * angle
    sine = angle * polynomial(square, SINE)
    scaled = (2 * magnitude) * sine
    return magnitude - scaled * sine, scaled * polynomial(square, COSINE)
