"""Threads: work ahead, while a result is played or written; and daemon threads when the process ends.

Python ends daemon threads as soon as they ask for its lock after the main thread's end. If they are in the
middle of C++ code then (MLX, PyTorch), the process aborts. So when the process ends, it waits until no thread
computes any more, and threads that would go on get a SystemExit, which ends them without a message.
"""

from __future__ import annotations

import atexit
import functools
import inspect
import itertools
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])

MAX_THREADS = 4  # more would wait for Python's lock
POOL_THREADS = 32  # of all iterators of `ahead` together
# When the process ends, it waits so long for steps and ends of threads, and for threads between two calls.
END_SECONDS, IDLE_SECONDS = 10.0, 0.3
TICK = 0.002  # seconds between two looks


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


class _End:
    """The end of the process, and the threads but the main one that have computed, or do so now."""

    def __init__(self) -> None:
        self.registered = False
        self.begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.begin)

    def begin(self) -> None:
        self.has_come = False
        self.threads: set[threading.Thread] = set()
        self.told: set[threading.Thread] = set()  # to end
        self.computing: dict[threading.Thread, int] = {}  # with the number of nested blocks

    def enter(self) -> None:
        thread = threading.current_thread()
        if thread is threading.main_thread():
            return
        if thread not in self.threads:
            self.threads.difference_update([each for each in tuple(self.threads) if not each.is_alive()])
            self.threads.add(thread)
        if not self.registered:  # now: the last is called first, so before MLX and PyTorch clean up
            self.registered = True
            atexit.register(self.come)
        self.computing[thread] = self.computing.get(thread, 0) + 1  # before it looks: `come` does the reverse
        try:
            self.check()
        except SystemExit:
            self.leave()
            raise

    def leave(self) -> None:
        thread = threading.current_thread()
        nested = self.computing.pop(thread, 1) - 1
        if nested:
            self.computing[thread] = nested

    def check(self) -> None:
        thread = threading.current_thread()
        if self.has_come and thread is not threading.main_thread():
            self.told.add(thread)
            raise SystemExit

    def come(self) -> None:
        """Called when the main thread, and all threads but daemons, have ended."""
        self.has_come = True
        deadline = time.monotonic() + END_SECONDS
        while self.computing and time.monotonic() < deadline:
            time.sleep(TICK)
        # A thread between two calls is told at the second. The end of a thread frees what it has in MLX.
        idle = min(time.monotonic() + IDLE_SECONDS, deadline)
        while any(thread.is_alive() for thread in tuple(self.threads)) and time.monotonic() < idle:
            time.sleep(TICK)
        while any(thread.is_alive() for thread in tuple(self.told)) and time.monotonic() < deadline:
            time.sleep(TICK)


_end = _End()


@contextmanager
def computing() -> Iterator[None]:
    """A block that computes in C++ code. The end of the process waits for it.

    Raises SystemExit if the process ends, in all threads but the main one.
    """
    _end.enter()
    try:
        yield
    finally:
        _end.leave()


def check_end() -> None:
    """Called between two steps in a `computing` block: raises SystemExit as that does."""
    _end.check()


def computes(function: Function) -> Function:
    """Decorate a function, or a generator function, that computes in C++ code: see `computing`."""

    @functools.wraps(function)
    def whole(*args: Any, **kwargs: Any) -> Any:
        with computing():
            return function(*args, **kwargs)

    @functools.wraps(function)
    def step_by_step(*args: Any, **kwargs: Any) -> Any:
        steps = function(*args, **kwargs)
        try:
            while True:
                with computing():
                    try:
                        step = next(steps)
                    except StopIteration:
                        return
                yield step
        finally:
            steps.close()

    return cast(Function, step_by_step if inspect.isgeneratorfunction(function) else whole)


class OneThread:
    """A thread for one caller after the other, as long as this object lives.

    Unlike those of `ThreadPoolExecutor`, it also works when the main thread has ended and others go on.
    """

    def __init__(self, name: str):
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._run, args=(self._calls,), name=name, daemon=True).start()

    def submit(self, function: Callable[[], Result]) -> Future[Result]:
        """Call a function after those that were submitted before."""
        future: Future[Result] = Future()
        self._calls.put((future, function))
        return future

    def __del__(self) -> None:
        self._calls.put(None)

    @staticmethod
    def _run(calls: queue.SimpleQueue) -> None:
        while (call := calls.get()) is not None:
            future, function = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
            del call, future, function
