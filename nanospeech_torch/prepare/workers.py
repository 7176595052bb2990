"""Recordings to utterances in worker processes: in order, in bounded memory, whatever a worker dies of."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from nanospeech_core.errors import UserError

from .recording import Recording
from .utterance import AlignerSource, Recipe, Rejected, Utterance, prepare_recording

AHEAD = 4  # recordings in hand for each worker
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
P, B = TypeVar("P"), TypeVar("B")


def prepare_all(
    stream: Iterable[tuple[P, Recording | B]], recipe: Recipe, workers: int, aligner: AlignerSource
) -> Iterator[tuple[P, Utterance | Rejected | B]]:
    """(position, result) of every (position, recording), in their order; what is no recording comes back.

    Args:
        workers: processes, of one thread each; 0 works in this one.
    Raises:
        Missing: what all recordings need (an aligner, a phonemizer) is not there.
        UserError: the processes cannot be started.
    """
    if not workers:
        for position, found in stream:
            is_recording = isinstance(found, Recording)
            yield position, prepare_recording(found, recipe, aligner) if is_recording else found
        return
    pending: deque[tuple[P, Recording | B, Future | None]] = deque()
    with worker_environment():
        pool = Pool(workers, recipe, aligner)
        try:
            for position, found in stream:
                future = None
                if isinstance(found, Recording):
                    future = pool.submit(found)
                    if future is None:  # a worker has died
                        yield from pool.rescue(pending)
                        future = pool.submit(found)
                pending.append((position, found, future))
                if len(pending) > AHEAD * workers:
                    yield from pool.next(pending)
            while pending:
                yield from pool.next(pending)
        except BaseException:
            pool.stop(at_once=True)
            raise
        pool.stop()


class Pool:
    """A process pool that is started anew when a worker has died."""

    def __init__(self, workers: int, recipe: Recipe, aligner: AlignerSource):
        self.workers, self.arguments = workers, (recipe, aligner)
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        reader, self.life = context.Pipe(duplex=False)  # its end is the workers'
        arguments = (*self.arguments, reader)
        self.executor = ProcessPoolExecutor(self.workers, context, begin_worker, arguments)
        try:
            with interrupts_later():
                started = [self.executor.submit(os.getpid) for _ in range(self.workers)]
            for future in started:
                future.result()
        except BaseException as error:
            self.stop(at_once=True)
            if isinstance(error, (OSError, BrokenProcessPool)):
                raise UserError(f"the worker processes cannot be started: {error}") from error
            raise

    def stop(self, at_once: bool = False) -> None:
        """End the workers, in the middle of their work where `at_once`.

        The executor alone would finish what it has begun, and hang for ever at a second Ctrl-C meanwhile.
        """
        if at_once:
            self.life.close()
            release(self.executor)
        self.executor.shutdown(wait=True, cancel_futures=True)
        self.life.close()

    def submit(self, recording: Recording) -> Future | None:
        """None where a worker has died."""
        try:
            return self.executor.submit(work, recording)
        except BrokenProcessPool:
            return None

    def next(self, pending: deque) -> Iterator[tuple]:
        """The first of what is pending; where a worker has died of one, all of it."""
        position, found, future = pending[0]
        try:
            result = found if future is None else future.result()
        except BrokenProcessPool:
            yield from self.rescue(pending)
        else:
            pending.popleft()
            yield position, result

    def restart(self) -> None:
        """Start anew after a worker has died."""
        self.stop(at_once=True)
        self.start()

    def rescue(self, pending: deque) -> Iterator[tuple]:
        """Do what is pending one by one, to learn which of them workers die of."""
        self.restart()
        while pending:
            position, found, future = pending.popleft()
            if future is None:
                yield position, found
            elif future.exception() is None:
                yield position, future.result()
            else:
                try:
                    result = self.executor.submit(work, found).result()
                except BrokenProcessPool:
                    self.restart()
                    result = Rejected(found.id, "a worker process dies of it")
                yield position, result


def release(executor: ProcessPoolExecutor) -> None:
    """Let an executor whose workers have died, or are about to, come to its end.

    That of Python 3.11.2 (not of 3.11.7) waits for ever to send what no worker is left to read
    (github.com/python/cpython/issues/94777), unless nobody could read it.
    """
    manager = getattr(executor, "_executor_manager_thread", None)
    if manager is not None:
        manager.join(timeout=2.0)
        if manager.is_alive():
            executor._call_queue._reader.close()


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Ctrl-C comes after the block. Processes that are started in it never see one: it is the parent's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def worker_environment() -> Iterator[None]:
    """An environment in which new processes use one thread, and leave no temporary files for ever."""
    before = {name: os.environ.get(name) for name in (*THREADS, "TMPDIR")}
    try:
        with tempfile.TemporaryDirectory(prefix="prepare-", ignore_cleanup_errors=True) as folder:
            os.environ.update({**dict.fromkeys(THREADS, "1"), "TMPDIR": folder})
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# in the workers

_arguments: tuple[Recipe, AlignerSource] | None = None


def begin_worker(recipe: Recipe, aligner: AlignerSource, life: Connection) -> None:
    """When the parent closes `life` or is killed, this process ends."""
    global _arguments
    _arguments = (recipe, aligner)
    threading.Thread(target=end_with, args=(life,), daemon=True).start()


def end_with(life: Connection) -> None:
    life.poll(None)  # nothing is ever sent
    os._exit(1)


def work(recording: Recording) -> Utterance | Rejected:
    return prepare_recording(recording, *_arguments)
