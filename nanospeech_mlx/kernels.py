"""Small functions as one kernel each on a GPU, compiled in the background.

MLX compiles such a kernel when it is first used, at run time. So that the first sound need not wait, the
operations of a function are run one by one, by kernels that MLX brings, until `warm_up` has had all of them
compiled in another thread. On a CPU, MLX's compiler is g++, which takes a second for a kernel that is no
faster than the operations one by one (docs/performance.md): there nothing is compiled.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable

import mlx.core as mx

_compiled = threading.Event()  # in this process
_thread = threading.local()  # .warming: it is the one that compiles
_starting = threading.Lock()
_warming: threading.Thread | None = None


def on_gpu() -> bool:
    """New arrays are made on a GPU."""
    return mx.default_device() == mx.gpu


def fused(function: Callable[..., mx.array]) -> Callable[..., mx.array]:
    """A function of arrays, element by element, that is one kernel once it is compiled."""
    compiled = mx.compile(function, shapeless=True)

    @functools.wraps(function)
    def call(*arrays: mx.array) -> mx.array:
        ready = _compiled.is_set() or getattr(_thread, "warming", False)
        return (compiled if ready and on_gpu() else function)(*arrays)

    return call


def warm_up(run: Callable[[], object]) -> threading.Thread | None:
    """Have the kernels compiled that a function uses, in a thread of their own; once a process.

    Args:
        run: evaluates every `fused` function that is to be ready, with arrays of the right types.
    Returns:
        the thread; None on a CPU, which compiles nothing.
    """
    global _warming
    if not on_gpu():
        return None
    with _starting:
        if _warming is None:
            _warming = threading.Thread(target=_warm, args=(run,), name="kernels", daemon=True)
            _warming.start()
    return _warming


def _warm(run: Callable[[], object]) -> None:
    _thread.warming = True
    try:
        run()
    except Exception as error:  # speech does not depend on it
        warnings.warn(f"MLX could not compile its kernels ({error}); it speaks without", stacklevel=1)
    else:
        _compiled.set()
