"""One thread owns the model: who is served next, who is refused, and what ends the work."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from clocks import Clock

pytest.importorskip("starlette", reason="needs the extra [serve]")

from nanospeech_core.errors import UserError
from nanospeech_core.server import model_thread
from nanospeech_core.server.model_thread import Busy, ModelThread, Stopping


@pytest.fixture
def thread():
    owner = ModelThread(lambda: "the model")
    owner.start()
    yield owner
    owner.stop()


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


async def collect(job) -> list:
    return [result async for result in job]


async def call(thread, function):
    """The result of function(model)."""

    def steps(model):
        yield function(model), 0.0

    (result,) = await collect(thread.submit(steps))
    return result


def test_results_come_in_order_and_work_is_done_in_one_thread(thread):
    names = []

    def steps(model):
        for number in range(3):
            names.append(threading.current_thread().name)
            yield (model, number), 0.1

    async def work():
        return await collect(thread.submit(steps))

    assert run(work()) == [("the model", 0), ("the model", 1), ("the model", 2)]
    assert names == ["model"] * 3


def test_the_listener_whose_audio_ends_first_is_served_first(thread):
    order = []

    def speech(name, seconds, chunks):
        def steps(_):
            for _ in range(chunks):
                order.append(name)
                yield name, seconds

        return steps

    async def work():
        blocked, go_on = threading.Event(), threading.Event()

        def block(_):
            blocked.set()
            go_on.wait(10)
            yield None, 0.0

        first = thread.submit(block)
        await asyncio.to_thread(blocked.wait)
        jobs = [thread.submit(speech("long", 5.0, 4)), thread.submit(speech("short", 1.0, 4))]
        go_on.set()
        await asyncio.gather(*(collect(job) for job in (first, *jobs)))

    run(work())
    # Each begins at once; then "short" has less audio until it has 5 s.
    assert order == ["long", "short", "short", "short", "short", "long", "long", "long"]


def test_a_new_request_is_served_before_those_that_are_ahead(thread):
    order = []

    async def work():
        arrived, ahead = threading.Event(), threading.Event()

        def long(_):
            for number in range(6):
                order.append("long")
                if number == 1:
                    ahead.set()
                    arrived.wait(10)
                yield None, 4.0

        def new(_):
            order.append("new")
            yield None, 1.0

        begun = thread.submit(long)
        stream = begun.__aiter__()
        await stream.__anext__()
        await asyncio.to_thread(ahead.wait, 10)
        late = thread.submit(new)
        arrived.set()
        await collect(late)
        assert order[:3] == ["long", "long", "new"]
        begun.cancel()

    run(work())


def test_a_client_that_does_not_read_holds_nobody_up(thread):
    done = []

    def endless(_):
        while True:
            done.append(None)
            yield None, 10.0

    async def work():
        slow = thread.submit(endless)
        await asyncio.sleep(0.2)
        assert len(done) == model_thread.MAX_AHEAD / 10.0  # then it waits for the client
        assert await call(thread, lambda model: model) == "the model"
        stream = slow.__aiter__()
        await stream.__anext__()
        await asyncio.sleep(0.2)
        assert len(done) == model_thread.MAX_AHEAD / 10.0 + 1
        slow.cancel()

    run(work())


def test_a_client_that_reads_nothing_for_a_minute_is_given_up(thread, monkeypatch):
    closed = threading.Event()
    monkeypatch.setattr(model_thread, "IDLE_SECONDS", 0.1)

    def endless(_):
        try:
            while True:
                yield None, 10.0
        finally:
            closed.set()

    async def work():
        job = thread.submit(endless)
        await asyncio.to_thread(closed.wait, 5)
        with pytest.raises(UserError, match="has not read"):
            await collect(job)
        assert thread.jobs == []

    run(work())
    assert closed.is_set()


def test_a_client_that_leaves_ends_its_work_after_the_step(thread):
    done, closed = [], threading.Event()

    def steps(_):
        try:
            for number in range(1000):
                done.append(number)
                time.sleep(0.02)
                yield number, 0.001
        finally:
            closed.set()

    async def work():
        job = thread.submit(steps)
        async for _ in job:
            break
        job.cancel()
        began = time.monotonic()
        assert await asyncio.to_thread(closed.wait, 5)
        assert time.monotonic() - began < 1

    run(work())
    assert len(done) <= 4


def test_too_many_requests_are_refused_with_a_time():
    owner = ModelThread(lambda: None, max_jobs=2)
    owner.start()
    blocked = threading.Event()

    def steps(_):
        blocked.wait(10)
        yield None, 1.0

    async def work():
        jobs = [owner.submit(steps) for _ in range(2)]
        with pytest.raises(Busy) as refused:
            owner.submit(steps)
        assert refused.value.retry_after >= 1
        blocked.set()
        for job in jobs:
            await collect(job)
        await collect(owner.submit(steps))  # there is room again

    run(work())
    owner.stop()


def test_an_error_reaches_only_its_own_client(thread):
    def fails(_):
        yield "first", 0.1
        raise UserError("this cannot be spoken")

    async def work():
        job, results = thread.submit(fails), []
        with pytest.raises(UserError, match="cannot be spoken"):
            async for result in job:
                results.append(result)
        assert results == ["first"]
        assert await call(thread, lambda model: 7) == 7

    run(work())


def test_a_panic_of_a_library_does_not_end_the_thread(thread):
    """Those of Rust (PyO3) are no `Exception`."""

    class Panic(BaseException):
        pass

    def fails(_):
        yield "first", 0.1
        raise Panic("index out of bounds")

    async def work():
        with pytest.raises(RuntimeError, match="Panic: index out of bounds"):
            await collect(thread.submit(fails))
        assert await call(thread, lambda model: 7) == 7

    run(work())


def test_errors_of_loading_are_raised_at_the_start():
    def load():
        raise UserError("there is no such model")

    owner = ModelThread(load)
    with pytest.raises(UserError, match="no such model"):
        owner.start()
    assert not owner.alive


def test_stopping_ends_all_requests():
    owner = ModelThread(lambda: None)
    owner.start()

    def endless(_):
        while True:
            time.sleep(0.01)
            yield None, 0.001

    async def work():
        job = owner.submit(endless)
        async for _ in job:
            break
        await asyncio.to_thread(owner.stop)
        with pytest.raises(Stopping):
            await collect(job)
        with pytest.raises(Stopping):
            owner.submit(endless)

    run(work())
    assert not owner.alive


def test_a_listener_who_had_to_wait_does_not_count_the_wait_as_heard(monkeypatch):
    clock = Clock(monkeypatch, model_thread)

    async def work():
        owner = ModelThread(lambda: None)
        job = model_thread.Job(owner, lambda _: iter([("a", 2.0), ("b", 2.0)]), asyncio.get_running_loop())
        clock.now += 5  # in the queue
        job.step(None)
        assert job.runs_out == clock.now + 2
        clock.now += 1
        job.step(None)
        assert job.runs_out == clock.now + 3

    run(work())


def test_a_step_that_goes_on_does_not_hold_up_the_end(monkeypatch):
    """Ctrl-C ends the server, whatever the model is doing."""
    monkeypatch.setattr(model_thread, "STOP_SECONDS", 0.1)
    owner = ModelThread(lambda: None)
    owner.start()
    begun, go_on = threading.Event(), threading.Event()

    def long(_):
        begun.set()
        go_on.wait(20)
        yield None, 0.0

    async def work():
        owner.submit(long)
        await asyncio.to_thread(begun.wait, 5)
        began = time.monotonic()
        await asyncio.to_thread(owner.stop)
        assert time.monotonic() - began < 5 and not go_on.is_set()

    run(work())
    go_on.set()
