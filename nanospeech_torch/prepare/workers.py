"""Preparing recordings in worker processes: in order, in bounded memory, even if a worker dies."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_ends
from typing import Any, TypeVar

from nanospeech_core.cluster.ray_engine import ray_map
from nanospeech_core.errors import UserError

from .durations import AlignerSource
from .recording import Recording
from .utterance import Prepared, Recipe, Rejected, prepare_recording

AHEAD = 4  # pending recordings for each worker
PATIENCE = 5.0  # seconds until a dead worker is looked for
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
P = TypeVar("P")
B = TypeVar("B")


def prepare_all(
    stream: Iterable[tuple[P, Recording | B]],
    recipe: Recipe,
    workers: int,
    aligner: AlignerSource,
    engine: str = "processes",
) -> Generator[tuple[P, Prepared | Rejected | B], None, None]:
    """(position, result) of every (position, recording), in order. Anything but a recording is passed on.

    Args:
        workers: processes, of one thread each; 0: this process does the work.
        engine: "processes" of this machine, or "ray": the workers of a Ray cluster.
    Raises:
        MissingRequirement: an aligner or a phonemizer is missing.
        UserError: the processes cannot be started.
    """
    if engine == "ray":
        work = functools.partial(prepare_or_exit, recipe=recipe, aligner=aligner)
        items = ((position, found, isinstance(found, Recording)) for position, found in stream)
        yield from ray_map(lambda: work, items, dies_of_it, workers)
        return
    if not workers:
        for position, found in stream:
            if isinstance(found, Recording):
                try:
                    result = prepare_recording(found, recipe, aligner)
                except MemoryError:
                    result = Rejected(found.id, "memory runs out")
                yield position, result
            else:
                yield position, found
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
        finally:
            pool.stop()


class Pool:
    """A process pool that restarts after a worker has died."""

    def __init__(self, workers: int, recipe: Recipe, aligner: AlignerSource) -> None:
        self.workers, self.arguments = workers, (recipe, aligner)
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads can hang
        reader, self.life = context.Pipe(duplex=False)  # the workers end when it is closed
        arguments = (*self.arguments, reader)
        self.executor = ProcessPoolExecutor(self.workers, context, begin_worker, arguments)
        try:
            with blocked_interrupts():
                started = [self.executor.submit(os.getpid) for _ in range(self.workers)]
            for future in started:
                future.result()
        except BaseException as error:
            self.stop()
            if isinstance(error, (OSError, BrokenProcessPool)):
                raise UserError(f"the worker processes cannot be started: {error}") from error
            raise

    def stop(self) -> None:
        """End the workers, in the middle of their work.

        The executor alone would finish pending work, and could hang forever: at a second Ctrl-C, or if a
        worker is killed at this moment.
        """
        self.life.close()
        release(self.executor)
        self.executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, recording: Recording) -> Future | None:
        """Start the preparation of a recording; None if a worker has died."""
        try:
            return self.executor.submit(work, recording)
        except BrokenProcessPool:
            return None

    def next(self, pending: deque[Any]) -> Iterator[tuple[Any, Any]]:
        """The result of the first pending recording; of all of them if a worker has died."""
        position, found, future = pending[0]
        try:
            result = found if future is None else self.result(future)
        except BrokenProcessPool:
            yield from self.rescue(pending)
        else:
            pending.popleft()
            yield position, result

    def result(self, future: Future) -> Any:
        """The result of a future, when it has one.

        If a worker is killed while it sends a result, the executor waits forever for the rest of it.

        Raises:
            BrokenProcessPool: a worker has died.
        """
        patience = 2  # the executor notices other deaths itself
        while patience and not wait_for([future], PATIENCE).done:
            patience -= self.has_dead_worker()
        if not patience:
            self.life.close()
            release(self.executor)
        return future.result()

    def has_dead_worker(self) -> bool:
        processes = getattr(self.executor, "_processes", None) or {}  # no public way
        return bool(wait_for_ends([process.sentinel for process in processes.copy().values()], 0))

    def restart(self) -> None:
        """Start new workers after one has died."""
        self.stop()
        self.start()

    def rescue(self, pending: deque[Any]) -> Iterator[tuple[Any, Any]]:
        """Prepare the pending recordings one by one, to find the one that kills workers."""
        self.restart()
        while pending:
            position, found, future = pending.popleft()
            if future is None:
                yield position, found
            elif future.exception() is None:
                yield position, future.result()
            else:
                try:
                    result = self.result(self.executor.submit(work, found))
                except BrokenProcessPool:
                    self.restart()
                    result = dies_of_it(found)
                yield position, result


def dies_of_it(recording: Any) -> Rejected:
    return Rejected(recording.id, "a worker process dies of it")


def release(executor: ProcessPoolExecutor) -> None:
    """Make sure that an executor ends if its workers have died or are about to die.

    Its thread would wait forever for the rest of a result that a killed worker had begun to send, because
    this process could send it too; and Python 3.11.2 (3.11.7 no more), to send work to workers that do not
    exist (github.com/python/cpython/issues/94777). Closing the other end makes both fail.
    """
    manager = getattr(executor, "_executor_manager_thread", None)
    if manager is None:
        return
    manager.join(timeout=2.0)
    if manager.is_alive():  # no public way
        executor._result_queue._writer.close()  # type: ignore[attr-defined]
        manager.join(timeout=2.0)
    if manager.is_alive():
        executor._call_queue._reader.close()  # type: ignore[attr-defined]


@contextmanager
def blocked_interrupts() -> Iterator[None]:
    """Delay Ctrl-C until after the block. Processes started in it never receive it: only the parent does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def worker_environment() -> Iterator[None]:
    """An environment in which new processes use one thread and leave no temporary files."""
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
    """Prepare a worker process. It ends when the parent closes `life` or is killed."""
    global _arguments
    _arguments = (recipe, aligner)
    threading.Thread(target=exit_when_closed, args=(life,), daemon=True).start()


def exit_when_closed(life: Connection) -> None:
    """End this process when the other end of `life` is closed."""
    life.poll(None)  # nothing is ever sent
    os._exit(1)


def work(recording: Recording) -> Prepared | Rejected:
    assert _arguments is not None
    return prepare_or_exit(recording, *_arguments)


def prepare_or_exit(recording: Recording, recipe: Recipe, aligner: AlignerSource) -> Prepared | Rejected:
    try:
        return prepare_recording(recording, recipe, aligner)
    except MemoryError:
        os._exit(1)  # gives the memory back; the recording is tried again, see `Pool.rescue`
