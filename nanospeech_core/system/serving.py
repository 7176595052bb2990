"""The process of a server: its threads, the signals that stop it, and an end that nothing holds up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from .process import ENDING, note

WORKER = "server-worker"  # the names of the threads
MODEL = "model"  # the one that owns the model
END_SECONDS = 0.5  # that idle threads get to end
TICK = 0.1  # seconds between two looks for a signal


class Workers(ThreadPoolExecutor):
    """Threads for an event loop (`set_default_executor`) whose end `asyncio.run` does not wait for."""

    def __init__(self, count: int):
        super().__init__(count, thread_name_prefix=WORKER)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Drop what has not begun; what runs goes on, and is not waited for."""
        super().shutdown(wait=False, cancel_futures=True)


@contextmanager
def handled_signals(handle: Callable[[int], None]) -> Iterator[None]:
    """In the block, the first signal that ends a process calls `handle`, which must not raise.

    A second one exits. An exception out of a signal is lost if it comes while a task of the event loop cleans
    up.
    """
    received = False

    def handler(number: int, _: object) -> None:
        nonlocal received
        if received:
            note("interrupted again: the requests are cut")
            os._exit(128 + number)
        received = True
        handle(number)

    numbers = [number for word in ENDING if (number := getattr(signal, word, 0))]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


async def until_signaled(work: Coroutine[None, None, None]) -> None:
    """Run `work` in a task until a signal ends it; then the signal is raised again. A second one exits."""
    received: list[int] = []
    with handled_signals(received.append):
        task = asyncio.create_task(work)
        while not received and not task.done():
            await asyncio.wait([task], timeout=TICK)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for number in received:
        signal.raise_signal(number)


def run_and_end(command: Callable[[], int]) -> int:
    """The exit code of a server's command. If its threads still work after it, the process ends here.

    Python would wait for the workers: a recognizer may need minutes. The model's thread it would end in the
    middle of C++ code, which aborts the process.
    """
    try:
        code = command()
    except SystemExit as stop:  # of a signal
        if _is_busy():
            _end(stop.code if isinstance(stop.code, int) else 1)
        raise
    if _is_busy():
        _end(code)
    return code


def _is_busy() -> bool:
    """Whether threads of a server work, `END_SECONDS` after they were told to end."""
    deadline = time.monotonic() + END_SECONDS
    while any(thread.name == MODEL or thread.name.startswith(WORKER) for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.01)
    return False


def _end(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed
            stream.flush()
    os._exit(code)
