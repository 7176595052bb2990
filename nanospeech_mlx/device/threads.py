"""Threads: MLX's streams belong to the thread that made them, and unevaluated arrays to their stream.

An array that is not evaluated cannot be evaluated in another thread ("There is no Stream(gpu, 1) in current
thread", MLX 0.32). Speech is generated step by step, and each step may be asked for in another thread: so all
that lives from one step to the next is evaluated (`keep`). What threads may use at the same time, such as
weights, is evaluated by `mx.eval`, which waits until it is there.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import mlx.core as mx

_of_this_thread = threading.local()


class _Streams:
    def __del__(self) -> None:  # called when the thread ends, which drops its local values
        with contextlib.suppress(Exception):  # Python may be shutting down
            mx.clear_streams()


def free_streams_at_thread_end() -> None:
    """Destroy the MLX streams and compiled functions of this thread when it ends (ml-explore/mlx#3395).

    Otherwise a process that ends soon after the thread aborts. Whatever may be the first use of MLX in a
    thread calls this. Nothing is done in the main thread.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main and not hasattr(_of_this_thread, "streams"):
        _of_this_thread.streams = _Streams()


def keep(*arrays: Any) -> None:
    """Begin to evaluate what lives on after a step, so that the next step may be done in any thread.

    It does not wait. The arguments are arrays, None, or lists and tuples of them.
    """
    free_streams_at_thread_end()
    mx.async_eval(*(part for part in arrays if part is not None))
