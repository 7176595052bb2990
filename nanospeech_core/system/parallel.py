"""Work done ahead in threads: what comes next, while what is there already is played or written."""

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

MOST = 4  # threads: more wait for Python's lock


class Abandoned(Exception):
    """Nobody waits for the result any more."""


def cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ahead(
    function: Callable[[Item, threading.Event], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """function(item, abandoned) of each item, in order.

    The first is made alone, so that it is there as soon as it can be. When the next one is asked for, up to
    `workers` are begun, each in a thread; 1: none is made before it is asked for, and there is no thread.

    abandoned: is set when the iterator is closed or something was raised; the function should then raise
    `Abandoned` soon, since the iterator waits for what has begun.
    """
    abandoned, items = threading.Event(), iter(items)
    for item in itertools.islice(items, 1 if workers > 1 else None):
        yield function(item, abandoned)
    if workers < 2:
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
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
