"""Work ahead in threads: the next results are computed while the current one is played or written."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 4  # more would wait for Python's lock


class Abandoned(Exception):
    """The result is no longer needed."""


def cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
        workers: the number of threads.
    """
    abandoned, remaining = threading.Event(), iter(items)
    for item in itertools.islice(remaining, 1 if workers > 1 else None):
        yield function(item, abandoned)
    if workers < 2:
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in remaining:
                try:
                    begun.append(pool.submit(function, item, abandoned))
                except RuntimeError:  # the system has no thread left
                    while begun:
                        yield begun.popleft().result()
                    yield function(item, abandoned)
                if len(begun) == workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            abandoned.set()
            pool.shutdown(wait=False, cancel_futures=True)
