"""Two CPUs for one sentence: each computes half of the rows.

A function of rows (of tokens, of frames) gives the same for a row whichever rows are beside it. So one half
is computed on the thread's own stream, the other at the same time on a second one. Neither waits by spinning,
as the threads of a BLAS do: if the other CPU has other work, next to nothing is lost.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import mlx.core as mx

from nanospeech_core.system.parallel import cpus, works_ahead

from . import kernels

LEAST = 64  # rows; handing over fewer takes longer than computing them
STEP = 16  # whole tiles of a matrix product: the halves are bit for bit what the whole would be
LEAST_PRODUCT = 2**20  # OpenBLAS adds up those of 10^6 multiply-adds and less in another order

_of_this_thread = threading.local()
_available_cpus = functools.cache(cpus)


@functools.cache
def _blas_has_threads() -> bool:
    return os.environ.get("OPENBLAS_NUM_THREADS", "1") != "1"


def in_halves(function: Callable[..., mx.array], *arrays: mx.array, width: int | None = None) -> mx.array:
    """function(*arrays), on a CPU of which there are two in two halves of the second axis at the same time.

    Args:
        function: of [1, rows, ...] arrays, to [1, rows, ...]; each row of its result depends on the same row
            of its arguments only.
        arrays: [1, rows, ...]; batches are not halved.
        width: the least number of columns in its matrix products; None: those of the first array.
    """
    batch, rows = arrays[0].shape[:2]
    width = width or arrays[0].shape[-1]
    middle = -(-rows // (2 * STEP)) * STEP
    large = rows >= LEAST and (rows - middle) * width**2 >= LEAST_PRODUCT
    if batch != 1 or not large or not two_cpus():
        return function(*arrays)
    with second_cpu():
        second = function(*(x[:, middle:] for x in arrays))
    first = function(*(x[:, :middle] for x in arrays))
    return mx.concatenate([first, second], axis=1)


def first_and_rest(function: Callable[[mx.array], mx.array], x: mx.array) -> Iterator[mx.array]:
    """The items of function(x). On a CPU the first does not wait for the rest, which a second CPU computes.

    function: each item of its result depends on the same item of x only.
    """
    if kernels.on_gpu() or len(x) == 1:
        yield from function(x)
        return
    with second_cpu():
        rest = function(x[1:])
    yield function(x[:1])[0]
    yield from rest


def two_cpus() -> bool:
    """Whether there is a second CPU to compute on: neither another sentence nor the BLAS has it."""
    return not kernels.on_gpu() and _available_cpus() > 1 and not works_ahead() and not _blas_has_threads()


def second_cpu() -> AbstractContextManager:
    """What is requested inside is computed at the same time as what is requested outside, if `two_cpus`."""
    if not two_cpus():
        return nullcontext()
    if not hasattr(_of_this_thread, "stream"):
        _of_this_thread.stream = mx.new_stream(mx.cpu)  # `threads` frees it when the thread ends
    return mx.stream(_of_this_thread.stream)
