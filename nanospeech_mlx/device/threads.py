"""Threads other than the main one: MLX aborts the process at exit unless they free their streams."""

from __future__ import annotations

import contextlib
import threading

import mlx.core as mx

_of_this_thread = threading.local()


class _Streams:
    def __del__(self) -> None:  # called when the thread ends, which drops its local values
        with contextlib.suppress(Exception):  # Python may be shutting down
            mx.clear_streams()


def free_streams_at_thread_end() -> None:
    """Destroy the MLX streams of this thread when it ends (ml-explore/mlx#3395).

    Nothing is done in the main thread, and before MLX 0.32, which has no `clear_streams`.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main and not hasattr(_of_this_thread, "streams") and hasattr(mx, "clear_streams"):
        _of_this_thread.streams = _Streams()
