"""The one thread that owns the model, and shares it among the requests of many clients.

A request is an iterator of steps; a step of speech is a chunk of audio. The next step is always done for the
listener whose audio ends first, so nobody's playback stops while another's is generated far ahead.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

from ..errors import UserError
from ..system import serving

MAX_AHEAD = 30.0  # seconds of audio that are kept for a client that does not read them
IDLE_SECONDS = 60.0  # a client that reads nothing for this long is given up
STOP_SECONDS = 10.0  # that the current step gets to end when the server stops

Steps = Iterator[tuple[Any, float]]  # results, and the seconds of audio in each


class Busy(Exception):
    """There are too many requests. `retry_after`: seconds after which one of them is probably done."""

    def __init__(self, retry_after: int):
        super().__init__(f"too many requests: try again in {retry_after} s")
        self.retry_after = retry_after


class Stopping(Exception):
    """The server stops before the request is done."""

    def __init__(self) -> None:
        super().__init__("the server is stopping")


class Job:
    """A request in the model's thread. Iterate over it in the event loop for the results of its steps.

    Leaving the iteration early does not end the work: call `cancel`.
    """

    def __init__(self, owner: ModelThread, steps: Callable[[Any], Steps], loop: asyncio.AbstractEventLoop):
        self._owner, self._loop = owner, loop
        self._make_steps = steps
        self._steps: Steps | None = None
        self._results: deque[tuple[Any, float]] = deque()
        self._ready = asyncio.Event()  # there are results, or it is finished
        self._error: BaseException | None = None
        self.finished = False  # nothing more will come
        self.cancelled = False
        self.kept_seconds = 0.0  # of audio that the client has not read
        self.runs_out = time.monotonic()  # when the listener will have heard everything
        self.last_read = self.runs_out
        self.busy_seconds = 0.0  # that its steps took

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            while self._results:
                result, seconds = self._results.popleft()
                self.last_read = time.monotonic()
                self._owner.taken(self, seconds)
                yield result
                self.last_read = time.monotonic()
            if self.finished:
                if self._error is not None:
                    raise self._error
                return
            self._ready.clear()
            if not self._results and not self.finished:
                await self._ready.wait()

    def cancel(self) -> None:
        """End the work after its current step. Harmless when it has ended."""
        self._owner.cancel(self)

    def step(self, model: Any) -> None:
        """Do the next step, in the model's thread."""
        began = time.monotonic()
        try:
            if self._steps is None:
                self._steps = self._make_steps(model)
            result, seconds = next(self._steps)
        except StopIteration:
            self.end(None)
        except Exception as error:  # the client gets it
            self.end(error)
        except BaseException as error:  # a panic of a library in Rust: the thread goes on
            self.end(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            self.runs_out = max(self.runs_out, time.monotonic()) + seconds
            self.kept_seconds += seconds
            self._results.append((result, seconds))
            self._wake()
        self.busy_seconds += time.monotonic() - began

    def end(self, error: BaseException | None) -> None:
        """Finish, in the model's thread: close the steps, so that they free what they hold."""
        if self._steps is not None and hasattr(self._steps, "close"):
            with suppress(Exception):
                self._steps.close()
        self._steps = None
        self._error, self.finished = error, True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the event loop was closed
            self._loop.call_soon_threadsafe(self._ready.set)


class ModelThread:
    """Loads a model in a thread of its own and does all its work there.

    Args:
        load: returns the model; it is called in the thread.
        max_jobs: requests at a time, those that wait included.
    """

    def __init__(self, load: Callable[[], Any], max_jobs: int = 64):
        self._load = load
        self.model: Any = None  # once it is loaded; only what does not compute may be used elsewhere
        self.max_jobs = max_jobs
        self.jobs: list[Job] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._stop_by = math.inf  # when a step that goes on is no longer waited for
        self._usual_seconds = 1.0  # that a request takes, a moving average
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=serving.MODEL, daemon=True)

    def start(self) -> None:
        """Load the model and wait for it. Raises what `load` raises."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """End all requests after the current step, and the thread; returns at once."""
        with self._changed:
            if not self._stopping:
                self._stop_by = time.monotonic() + STOP_SECONDS
            self._stopping = True
            self._changed.notify()

    def stop(self) -> None:
        """`end`, and wait for it; a step that goes on for long is not waited for."""
        self.end()
        self._thread.join(max(0.0, self._stop_by - time.monotonic()))

    def submit(self, steps: Callable[[Any], Steps], others_first: bool = False) -> Job:
        """Begin a request; called in the event loop.

        Args:
            steps: model -> the steps. Called, and iterated over, in the model's thread.
            others_first: the next place is for another request.
        Raises:
            Busy: there are `max_jobs` requests already, or others come first.
            Stopping: `end` was called.
        """
        job = Job(self, steps, asyncio.get_running_loop())
        with self._changed:
            if self._stopping:
                raise Stopping
            if others_first or len(self.jobs) >= self.max_jobs:
                raise Busy(max(1, math.ceil(self._usual_seconds)))
            self.jobs.append(job)
            self._changed.notify()
        return job

    def taken(self, job: Job, seconds: float) -> None:
        """The client has read a result with that much audio."""
        with self._changed:
            job.kept_seconds -= seconds
            self._changed.notify()

    def cancel(self, job: Job) -> None:
        """See `Job.cancel`."""
        with self._changed:
            job.cancelled = True
            self._changed.notify()

    @property
    def alive(self) -> bool:
        """Whether the thread runs and takes requests."""
        return self._thread.is_alive() and self.model is not None

    def _run(self) -> None:
        try:
            self.model = self._load()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._started.set()
        while (job := self._next_job()) is not None:
            job.step(self.model)

    def _next_job(self) -> Job | None:
        """The job whose step is due; waits for one. None: stop."""
        with self._changed:
            while True:
                self._remove_ended()
                if self._stopping:
                    for job in self.jobs:
                        job.end(Stopping())
                    return None
                wanting = [job for job in self.jobs if job.kept_seconds < MAX_AHEAD]
                if wanting:
                    return min(wanting, key=lambda job: job.runs_out)
                self._changed.wait(timeout=1.0 if self.jobs else None)

    def _remove_ended(self) -> None:
        now = time.monotonic()
        for job in list(self.jobs):
            idle = bool(job.kept_seconds > 0) and now - job.last_read > IDLE_SECONDS
            if not job.finished and (job.cancelled or idle):
                job.end(UserError("the client has not read for a minute") if idle else None)
            if job.finished:
                self.jobs.remove(job)
                if not job.cancelled:
                    self._usual_seconds += 0.2 * (job.busy_seconds - self._usual_seconds)
