"""What each kind of device gets unless the caller says otherwise: this module decides, and nothing else.

On a GPU a sentence is a few hundred small kernels, which take less time than Python needs to ask for them. So
there the graph is compiled, the numbers have half the size, and nothing is waited for before the waveform. A
CPU has no fast 16-bit products and gains nothing from compiled graphs (docs/performance.md).
"""

from __future__ import annotations

from typing import NamedTuple

import mlx.core as mx

from . import kernels


class Defaults(NamedTuple):
    """The choices for a kind of device."""

    precision: str  # of `set_precision`
    compile: bool  # iteration, ODE's velocity, text, durations and vocoder; once kernels are compiled
    wait: bool  # for each step, once the next one is built
    cache_limit: int | None  # bytes that MLX keeps between sentences; None: none, sizes would add up


GPU = Defaults("float16", compile=True, wait=False, cache_limit=256_000_000)
CPU = Defaults("float32", compile=False, wait=True, cache_limit=None)


def defaults() -> Defaults:
    """The choices for the device on which new arrays are made."""
    return GPU if kernels.on_gpu() else CPU


def finish_step(tokens: mx.array, before: mx.array | None) -> None:
    """Begin to compute what a step returns; meanwhile the next step is built.

    before: the same of the step before. On a CPU it is waited for: then work that is not wanted any more ends
        within two steps, and no more than two hold memory.
    """
    mx.async_eval(tokens)
    if before is not None and defaults().wait:
        mx.eval(before)


def limit_cache() -> None:
    """Limit the memory that MLX keeps for later, if sentences reuse it; a lower limit of the user stays."""
    limit = defaults().cache_limit
    if limit is not None:
        mx.set_cache_limit(min(limit, mx.set_cache_limit(limit)))


def free_memory() -> None:
    """Free the memory of the last sentence, unless the next one reuses it."""
    if defaults().cache_limit is None:
        mx.clear_cache()
