"""MLX's activations of our own are those of `mlx.nn`."""

import math

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gelu", "gelu"), ("gelu_tanh", "gelu_approx"), ("mish", "mish")]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float16", 2e-3), ("bfloat16", 2e-2)])
def test_they_are_the_same_to_rounding(ours, theirs, dtype, tolerance):
    from nanospeech_mlx import activations

    x = mx.array(np.concatenate((np.linspace(-60, 60, 4001), [0.0, 1e-6, -1e-6])), getattr(mx, dtype))
    got, wanted = getattr(activations, ours)(x), getattr(nn, theirs)(x.astype(mx.float32))
    assert got.dtype == x.dtype
    error = np.abs(np.array(got.astype(mx.float32)) - np.array(wanted))
    assert (error <= tolerance * np.maximum(1, np.abs(np.array(wanted)))).all()


def test_gelus_are_those_of_mathematics():
    from nanospeech_mlx.activations import gelu, gelu_tanh

    x = np.linspace(-8, 8, 1601)
    single = mx.array(x, mx.float32)
    exact = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x]
    bent = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    assert np.abs(np.array(gelu(single)) - exact).max() < 2e-6
    assert np.abs(np.array(gelu_tanh(single)) - bent).max() < 2e-6
    assert np.abs(bent - exact).max() > 1e-4  # they are not the same function


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gelu", "gelu"), ("gelu_tanh", "gelu_approx"), ("mish", "mish")]
)
def test_a_gpu_takes_those_of_mlx(ours, theirs, monkeypatch):
    from nanospeech_mlx import activations

    x = mx.array(np.linspace(-6, 6, 301), mx.float32)
    monkeypatch.setattr(activations, "on_gpu", lambda: True)
    assert mx.array_equal(getattr(activations, ours)(x), getattr(nn, theirs)(x))
    monkeypatch.setattr(activations, "on_gpu", lambda: False)
    assert not mx.array_equal(getattr(activations, ours)(x), getattr(nn, theirs)(x))
