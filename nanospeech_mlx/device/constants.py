"""Arrays that depend on weights, or on lengths only: computed once, not for every sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, cast

import mlx.core as mx
import numpy as np
from mlx import nn

KEPT = 8  # values

Value = TypeVar("Value")  # arrays in lists


class Constants:
    """The last values of functions of some layers' weights. A value is dropped when a weight is replaced.

    mx.compile replaces the weights by equal ones while it traces, so a value is also computed again then.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[list[mx.array], Any]] = {}

    def __deepcopy__(self, _: dict) -> Constants:
        return Constants()

    def get(self, key: Hashable, layers: Sequence[nn.Module], compute: Callable[[], Value]) -> Value:
        """The value of `compute`, which depends on the key and on the weights of the layers only."""
        weights = [weight for layer in layers for weight in layer.values() if isinstance(weight, mx.array)]
        found = self._values.get(key)
        if found is not None and len(found[0]) == len(weights):
            if all(kept is weight for kept, weight in zip(found[0], weights, strict=True)):
                return cast("Value", found[1])
        value = compute()
        try:
            mx.eval(value)  # other threads may use it
        except ValueError:  # inside a function that is being compiled, nothing has a value yet
            return value
        while len(self._values) >= KEPT:
            self._values.pop(next(iter(self._values)), None)
        self._values[key] = weights, value
        return value


@functools.lru_cache(8)
def rotary_periods(dim: int) -> mx.array:
    """10000^(2i/dim), float32 [dim / 2]."""
    return mx.array((10000.0 ** (np.arange(0, dim, 2) / dim)).astype(np.float32))


@functools.lru_cache(8)  # all layers and iterations of a sentence have the same
def rotations(length: int, dim: int) -> tuple[mx.array, mx.array]:
    """The cosines and signed sines of `models.attention.rotary_table`, float32 [length, dim] each."""
    angles = np.repeat(np.arange(length)[:, None] / 10000.0 ** (np.arange(0, dim, 2) / dim), 2, axis=1)
    sines = np.sin(angles) * np.tile([-1, 1], dim // 2)
    return mx.array(np.cos(angles).astype(np.float32)), mx.array(sines.astype(np.float32))


def sinusoids(positions: mx.array, dim: int) -> mx.array:
    """`models.layers.sinusoid_positions` of some positions, float32 [length, dim]."""
    freqs = 10000.0 ** (-mx.arange(0, dim, 2)[: dim // 2].astype(mx.float32) / dim)
    angles = mx.minimum(positions, 4095).astype(mx.float32)[:, None] * freqs[None]
    return mx.concatenate([mx.cos(angles), mx.sin(angles)], axis=-1)


@functools.lru_cache(4)  # a CPU computes them one by one
def known_sinusoids(length: int, dim: int) -> mx.array:
    """`sinusoids` of the first positions."""
    table = sinusoids(mx.arange(length), dim)
    mx.eval(table)  # other threads may use it
    return table
