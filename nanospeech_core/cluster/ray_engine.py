"""The same work on many items as tasks of a Ray cluster: results in order, few tasks in flight."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from ..errors import UserError

AHEAD = 4  # tasks in flight for each CPU of the cluster
LEAST_AHEAD = 16  # of a cluster that is only starting its machines
ASK = 100  # tasks until the cluster's CPUs are counted again
RETRIES = 5  # of a task whose worker or machine dies
P = TypeVar("P")
Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Any], Any]

_works: dict[str, Work] = {}  # in a worker, by run: loaded once


def ray_map(
    make: Callable[[], Work],
    stream: Iterable[tuple[P, Item, bool]],
    lost: Callable[[Item], Result],
    workers: int,
) -> Generator[tuple[P, Any], None, None]:
    """(position, result) of every (position, item, whether it is work), in order. Other items are passed on.

    Args:
        make: makes the work, a function of an item, in each worker process. Machines of the cluster need this
            package in the same version, and the same files at the same paths.
        lost: the result of an item whose worker dies again and again.
        workers: processes on this machine, if no cluster is running.
    Raises:
        UserError: Ray is not installed or cannot be reached, or the work raises one.
    """
    with connected(workers) as ray:
        task = ray.remote(run_task).options(num_cpus=1, max_retries=RETRIES)
        made, key = ray.put((make, os.getcwd())), uuid.uuid4().hex
        pending: deque[tuple[P, Item, Any]] = deque()
        limit = LEAST_AHEAD

        def next_result() -> tuple[P, Any]:
            position, item, reference = pending.popleft()
            return position, item if reference is None else result_of(ray, reference, item, lost)

        for number, (position, item, is_work) in enumerate(stream):
            if number % ASK == 0:
                limit = max(LEAST_AHEAD, AHEAD * int(ray.cluster_resources().get("CPU", 0)))
            pending.append((position, item, task.remote(key, made, item) if is_work else None))
            while len(pending) > limit:
                yield next_result()
        while pending:
            yield next_result()


def run_task(key: str, made: tuple[Callable[[], Work], str], item: Any) -> Any:
    """In a worker: the result of an item. The current folder is that of the command, for relative paths."""
    if key not in _works:
        _works.clear()  # of an earlier run
        make, folder = made
        try:
            os.chdir(folder)
        except OSError as error:
            raise UserError(
                f"a machine of the cluster has no folder {folder}: start in a shared one"
            ) from error
        _works[key] = make()
    return _works[key](item)


def result_of(ray: Any, reference: Any, item: Item, lost: Callable[[Item], Result]) -> Any:
    """The result of a task. Raises UserError if the task did."""
    failures = ray.exceptions
    try:
        return ray.get(reference)
    except failures.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    except (failures.WorkerCrashedError, failures.OutOfMemoryError, failures.ObjectLostError):
        return lost(item)


@contextlib.contextmanager
def connected(workers: int) -> Iterator[Any]:
    """Ray, connected to the cluster that runs or that RAY_ADDRESS names; else to one of this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UserError('--engine ray needs Ray: pip install ".[cluster]"') from error
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        try:  # no address "auto": it also finds what another command has started for itself
            ray.init(num_cpus=max(1, workers), include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        except ValueError:  # there is a cluster, so it has its own CPUs
            ray.init(**quiet)
    except ConnectionError as error:
        named = os.environ.get("RAY_ADDRESS")
        where = f"at RAY_ADDRESS={named}" if named else "where `ray start` has left its address"
        raise UserError(f"there is no Ray cluster {where}: {' '.join(str(error).split())}") from error
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(f"Ray cannot be started: {' '.join(str(error).split())}") from error
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray has put its own in place of the command's
        yield ray
    finally:
        ray.shutdown()
