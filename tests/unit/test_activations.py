"""MLX's activations of our own are those of `mlx.nn`."""

import numpy as np
import pytest

mx = pytest.importorskip("mlx.core")
nn = pytest.importorskip("mlx.nn")


@pytest.mark.parametrize(("ours", "theirs"), [("GELU", "gelu_approx"), ("Mish", "mish")])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float16", 2e-3), ("bfloat16", 2e-2)])
def test_they_are_the_same_to_rounding(ours, theirs, dtype, tolerance):
    from nanospeech_mlx import activations

    x = mx.array(np.concatenate((np.linspace(-60, 60, 4001), [0.0, 1e-6, -1e-6])), getattr(mx, dtype))
    got, wanted = getattr(activations, ours)()(x), getattr(nn, theirs)(x.astype(mx.float32))
    assert got.dtype == x.dtype
    error = np.abs(np.array(got.astype(mx.float32)) - np.array(wanted))
    assert (error <= tolerance * np.maximum(1, np.abs(np.array(wanted)))).all()
