"""Work ahead in threads: the next results are computed while the current one is played or written."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 4  # more would wait for Python's lock
POOL_THREADS = 32  # of all iterators of `ahead` together


class Abandoned(Exception):
    """The result is no longer needed."""


def cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool:
    """The threads of `ahead`, which stay for the next text.

    On a CPU, MLX starts a thread of its own for each thread that computes, and never ends it: new threads for
    every text would be too many in the end.
    """

    def __init__(self) -> None:
        self.begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin)  # a fork copies no threads

    def begin(self) -> None:
        self.executor = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="ahead")
        self.here = threading.local()  # .works: this is one of the threads

    def submit(self, function: Callable[[], Result]) -> Future[Result]:
        def work() -> Result:
            self.here.works = True
            return function()

        return self.executor.submit(work)

    def end(self, futures: Collection[Future]) -> None:
        """Cancel what has not begun, and wait for the rest."""
        for future in futures:
            future.cancel()
        if not works_ahead():  # the garbage collector may be in one of these threads
            wait(futures)


_pool = _Pool()


def works_ahead() -> bool:
    """Whether this is a thread of `ahead`: then other threads compute at the same time."""
    return getattr(_pool.here, "works", False)


def ahead(
    function: Callable[[Item, threading.Event], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Yield function(item, abandoned) of each item, in order.

    The first item is computed alone, so that its result comes as soon as possible. On the next request, up to
    `workers` items start, each in a thread. With 1 worker there are no threads, and each item is computed on
    request.

    Args:
        function: computes an item. `abandoned` is set when the iterator is closed or an item fails. The
            function should then raise `Abandoned` soon, as the iterator waits for running items.
        items: the items.
        workers: the number of threads, which all iterators share.
    """
    abandoned, remaining = threading.Event(), iter(items)
    for item in itertools.islice(remaining, 1 if workers > 1 else None):
        yield function(item, abandoned)
    if workers < 2:
        return

    def compute(item: Item) -> Result:
        if abandoned.is_set():  # it waited in the queue, where there was no thread for it
            raise Abandoned
        return function(item, abandoned)

    begun: deque[Future[Result]] = deque()
    try:
        for item in remaining:
            try:
                begun.append(_pool.submit(functools.partial(compute, item)))
            except RuntimeError:  # the system has no thread left
                while begun:
                    yield _first_result(begun)
                yield function(item, abandoned)
            if len(begun) == workers:
                yield _first_result(begun)
        while begun:
            yield _first_result(begun)
    finally:
        abandoned.set()
        _pool.end(begun)


def _first_result(begun: deque[Future[Result]]) -> Result:
    result = begun[0].result()  # it stays in the list until then: what interrupts this has to wait for it
    begun.popleft()
    return result
