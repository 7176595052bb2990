"""MLX's devices in tests: a GPU where there is one (marker `mac`), and the CPU in its place everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

DEVICES = [pytest.param("gpu", marks=pytest.mark.mac), "cpu"]  # the CPU has to pass the same, everywhere
# A GPU's bounds, relative to the largest number. A hosted Mac's virtual GPU rounds more coarsely than others.
ALIKE = {"float32": 1e-2, "float16": 3e-2, "bfloat16": 1e-1}


@contextmanager
def computing_on(name: str) -> Iterator[None]:
    """In the block, MLX's new arrays are on this device."""
    import mlx.core as mx

    before = mx.default_device()
    mx.set_default_device(getattr(mx, name))
    try:
        yield
    finally:
        mx.set_default_device(before)
