"""The same function on a Ray cluster of two workers: in order, bounded, and whole when workers are killed."""

import contextlib
import importlib.util
import os
import signal
import sys
import time
import types
from pathlib import Path

import pytest

from nanospeech_core.cluster import ray_engine
from nanospeech_core.cluster.ray_engine import LEAST_AHEAD, ray_map
from nanospeech_core.errors import UserError

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs ray, of the extra [cluster]"
)


class Squares:
    """Squares numbers; each process is known by its id."""

    def __call__(self, number: int) -> tuple[int, int]:
        time.sleep(0.01)
        if number < 0:
            raise UserError("a number is negative")
        return number * number, os.getpid()


def numbers(count, read=None):
    for number in range(count):
        if read is not None:
            read.append(number)
        yield number, number, True


def test_without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r'--engine ray needs Ray: pip install "\.\[cluster\]"'):
        next(ray_map(Squares, numbers(3), abs, 2))


def test_a_cluster_that_is_not_there(monkeypatch):
    """It is not replaced by one of this machine."""
    ray = types.ModuleType("ray")

    def init(**options):
        assert "address" not in options
        raise ValueError if "num_cpus" in options else ConnectionError("no answer")

    ray.init = init
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UserError, match="there is no Ray cluster at RAY_ADDRESS=127.0.0.1:1: no answer"):
        next(ray_map(Squares, numbers(3), abs, 2))


def test_a_worker_is_in_the_folder_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)  # where the cluster was started
    monkeypatch.setattr(ray_engine, "_works", {})
    (tmp_path / "a.txt").write_text("here")
    made = (lambda: lambda name: Path(name).read_text()), str(tmp_path)
    assert [ray_engine.run_task("a", made, "a.txt") for _ in range(2)] == ["here"] * 2
    with pytest.raises(
        UserError, match="a machine of the cluster has no folder /none: start in a shared one"
    ):
        ray_engine.run_task("b", (made[0], "/none"), "a.txt")


@needs_ray
@pytest.mark.slow
def test_in_order_in_two_workers_with_few_in_flight():
    read: list[int] = []
    processes = set()
    with contextlib.closing(ray_map(Squares, numbers(200, read), abs, 2)) as results:
        for expected, (position, (square, process)) in enumerate(results):
            assert (position, square) == (expected, expected * expected)
            assert len(read) <= expected + LEAST_AHEAD + 2
            processes.add(process)
    assert len(processes) == 2 and os.getpid() not in processes


@needs_ray
@pytest.mark.slow
def test_killed_workers_lose_nothing():
    killed, done = [], []
    with contextlib.closing(ray_map(Squares, numbers(300), lambda item: ("lost", item), 2)) as results:
        for number, (_, (square, process)) in enumerate(results):
            done.append(square)
            if number in (20, 120):
                os.kill(process, signal.SIGKILL)
                killed.append(process)
    assert len(set(killed)) == 2 and done == [number * number for number in range(300)]


@needs_ray
@pytest.mark.slow
def test_what_is_no_work_is_passed_on_and_errors_are_the_works():
    stream = [(0, "a remark", False), (1, 3, True), (2, "another", False), (3, -1, True)]
    with contextlib.closing(ray_map(Squares, iter(stream), abs, 2)) as results:
        assert next(results) == (0, "a remark")
        assert next(results)[1][0] == 9 and next(results) == (2, "another")
        with pytest.raises(UserError) as caught:
            next(results)
    assert str(caught.value) == "a number is negative"
