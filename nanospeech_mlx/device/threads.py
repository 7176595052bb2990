"""Threads beside the main one: MLX aborts the process at its exit unless they give back their streams."""

from __future__ import annotations

import contextlib
import threading

import mlx.core as mx

_of_this_thread = threading.local()


class _Streams:
    def __del__(self) -> None:  # the thread ends: it is what drops its local values
        with contextlib.suppress(Exception):  # Python may be shutting down
            mx.clear_streams()


def tidy_streams() -> None:
    """Have the streams of MLX that this thread opens destroyed when it ends (ml-explore/mlx#3395).

    The main thread's are MLX's own matter, and so is it before MLX 0.32, which knows no `clear_streams`.
    """
    beside = threading.current_thread() is not threading.main_thread()
    if beside and not hasattr(_of_this_thread, "streams") and hasattr(mx, "clear_streams"):
        _of_this_thread.streams = _Streams()
