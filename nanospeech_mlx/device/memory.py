"""Memory for MLX's CPU build on Linux: what an operation frees is kept for the next one."""

from __future__ import annotations

import ctypes
import functools
import os
import sys

import mlx.core as mx

# Parameters of glibc's mallopt (malloc.h), and the variables by which a user sets them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_VARIABLES = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"
KEPT = 256 << 20  # bytes at the end of the heap; speech takes about 100 MB
LARGE = 32 << 20  # bytes of a block that is mapped on its own: the most that glibc allows


@functools.cache
def keep_freed_memory() -> bool:
    """Let the C library keep freed memory, and return whether it does.

    MLX's CPU build allocates the result of each operation anew. By default the C library returns freed memory
    to the system at once, which then clears every page for the next result: a tenth of the time of speech.

    Does nothing on other systems and C libraries, if MLX computes on a GPU (which has its own allocator), and
    if the environment sets the C library's limits.
    """
    if sys.platform != "linux" or mx.default_device() == mx.gpu or any(map(os.environ.get, _VARIABLES)):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, KEPT) and mallopt(_MMAP_THRESHOLD, LARGE))
