"""MLX's activations of our own are those of `mlx.nn`."""

import io
import math

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gelu", "gelu"), ("gelu_tanh", "gelu_approx"), ("silu", "silu"), ("mish", "mish")]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-6), ("float16", 2e-3), ("bfloat16", 2e-2)])
@pytest.mark.parametrize("few", [0, 12_000])
def test_they_are_the_same_to_rounding(ours, theirs, dtype, tolerance, few, monkeypatch):
    from nanospeech_mlx.models import activations

    monkeypatch.setattr(activations, "FEW", few)
    x = mx.array(np.concatenate((np.linspace(-60, 60, 4001), [0.0, 1e-6, -1e-6])), getattr(mx, dtype))
    got, wanted = getattr(activations, ours)(x), getattr(nn, theirs)(x.astype(mx.float32))
    assert got.dtype == x.dtype
    error = np.abs(np.array(got.astype(mx.float32)) - np.array(wanted))
    assert (error <= tolerance * np.maximum(1, np.abs(np.array(wanted)))).all()


def test_gelus_are_those_of_mathematics(monkeypatch):
    from nanospeech_mlx.models import activations
    from nanospeech_mlx.models.activations import gelu, gelu_tanh

    monkeypatch.setattr(activations, "FEW", 0)
    x = np.linspace(-8, 8, 1601)
    single = mx.array(x, mx.float32)
    exact = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x]
    bent = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    assert np.abs(np.array(gelu(single)) - exact).max() < 2e-6
    assert np.abs(np.array(gelu_tanh(single)) - bent).max() < 2e-6
    assert np.abs(bent - exact).max() > 1e-4  # they are not the same function


@pytest.mark.parametrize(
    ("ours", "theirs"), [("gelu", "gelu"), ("gelu_tanh", "gelu_approx"), ("silu", "silu"), ("mish", "mish")]
)
def test_a_gpu_takes_those_of_mlx(ours, theirs, monkeypatch):
    from nanospeech_mlx.device import kernels
    from nanospeech_mlx.models import activations

    x = mx.array(np.linspace(-6, 6, 301), mx.float32)
    monkeypatch.setattr(activations, "FEW", 0)
    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    monkeypatch.setattr(kernels._thread, "compiles", True, raising=False)
    assert mx.array_equal(getattr(activations, ours)(x), getattr(nn, theirs)(x))
    monkeypatch.setattr(kernels, "on_gpu", lambda: False)
    assert not mx.array_equal(getattr(activations, ours)(x), getattr(nn, theirs)(x))


def test_exponentials_and_waves_are_those_of_mathematics():
    from nanospeech_mlx.models.activations import EXP, EXP_TO_300, polar, power_16, waves

    x = np.concatenate((np.linspace(-5, 5.6, 5001), np.linspace(-30, -5, 5001))).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    got = np.array(power_16(mx.array(x) / 16, EXP_TO_300))
    assert np.abs(got[:5001] / exact[:5001] - 1).max() < 3e-6
    assert np.abs(got[5001:] - exact[5001:]).max() < 1e-7 and got.min() >= 0
    x = np.linspace(-30, 0, 9001, dtype=np.float32)
    got, exact = np.array(power_16(mx.array(x) / 16, EXP)), np.exp(x.astype(np.float64))
    assert np.abs(got[x > -5] / exact[x > -5] - 1).max() < 3e-6
    assert np.abs(got - exact).max() < 2e-6 and np.abs(got - exact)[x < -5].max() < 3e-7 and got.min() >= 0
    phase = np.concatenate((np.linspace(-100, 100, 20001), np.pi * np.arange(-9, 10) / 2)).astype(np.float32)
    cosine, sine = waves(mx.array(phase), mx.ones(phase.shape))
    assert np.abs(np.array(sine) - np.sin(phase.astype(np.float64))).max() < 1e-6
    assert np.abs(np.array(cosine) - np.cos(phase.astype(np.float64))).max() < 1e-6
    level = np.linspace(-40, 9, len(phase)).astype(np.float32)
    wanted = np.minimum(np.exp(level.astype(np.float64)), 100) * np.exp(1j * phase.astype(np.float64))
    assert np.abs(np.array(polar(mx.array(level), mx.array(phase), 100.0)) - wanted).max() < 2e-4


@pytest.mark.parametrize("padded", [False, True])
def test_attention_is_that_of_mlx(padded, monkeypatch):
    from nanospeech_mlx.device import kernels
    from nanospeech_mlx.models import activations

    rng = np.random.default_rng(0)
    q, k, v = (mx.array(rng.normal(size=(2, 3, 17, 8)).astype(np.float32)) for _ in range(3))
    mask = mx.array(np.arange(17) < np.array([[17], [11]]))[:, None, None, :] if padded else None
    ours = activations.attend(8 * q, k, v, 8**-0.5, mask)
    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    theirs = activations.attend(8 * q, k, v, 8**-0.5, mask)
    assert np.abs(np.array(ours) - np.array(theirs)).max() < 2e-6
    assert activations.attend(*(x.astype(mx.float16) for x in (q, k, v)), 8**-0.5, mask).dtype == mx.float16


def test_few_numbers_take_few_operations():
    from nanospeech_mlx.models import activations

    few, many = mx.zeros(activations.FEW - 1), mx.zeros(activations.FEW)
    for function in (activations.gelu, activations.gelu_tanh, activations.silu):
        assert operations(function(few)) < operations(function(many)) - 8


@pytest.mark.parametrize("affine", [False, True])
def test_layer_norms_are_those_of_mlx(affine, monkeypatch):
    from nanospeech_mlx.device import kernels
    from nanospeech_mlx.models.activations import LayerNorm

    rng = np.random.default_rng(0)
    norm = LayerNorm(24, eps=1e-5, affine=affine)
    if affine:
        norm.weight, norm.bias = (mx.array(rng.normal(size=24).astype(np.float32)) for _ in range(2))
    x = mx.array((3 * rng.normal(size=(2, 5, 24)) + 7).astype(np.float32))
    ours = norm(x)
    half = norm(x.astype(mx.float16))
    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    assert np.abs(np.array(ours) - np.array(norm(x))).max() < 3e-6
    assert mx.array_equal(half, norm(x.astype(mx.float16)))  # products of 16 bits are slow and coarse


@pytest.mark.parametrize("bias", [False, True])
def test_linear_layers_are_those_of_mlx(bias):
    from nanospeech_mlx.models.activations import Linear

    layer = Linear(24, 9, bias=bias)
    x = mx.random.normal((2, 5, 24))
    assert np.abs(np.array(layer(x)) - np.array(nn.Linear.__call__(layer, x))).max() < 1e-6


def operations(array) -> int:
    """The operations of an array's graph."""
    file = io.StringIO()
    mx.export_to_dot(file, array)
    return file.getvalue().count("shape=rectangle")
