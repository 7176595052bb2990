"""The line for a place in the model's thread: first come, first served."""

from __future__ import annotations

import asyncio
import threading

import pytest

pytest.importorskip("starlette", reason="needs the extra [serve]")
pytest.importorskip("prometheus_client", reason="needs the extra [serve]")

from nanospeech_core.server import service as module
from nanospeech_core.server.errors import ApiError
from nanospeech_core.server.service import Limits, Service

PLACES = 3


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(module, "PLACE_SECONDS", 60.0)


class Silent:
    """A model that says nothing when it is warmed up."""

    def stream(self, text):
        return iter(())


@pytest.fixture
def service():
    one = Service(Silent, Limits(max_jobs=PLACES))
    one.start()
    yield one
    one.stop()


def until(event: threading.Event):
    """Steps that are done once an event is set."""

    def steps(_):
        event.wait(20)
        yield "done", 0.0

    return steps


async def fill(service: Service) -> threading.Event:
    """Take all places; the event ends the requests."""
    done = threading.Event()
    for _ in range(PLACES):
        await service.submit(until(done))
    return done


def run(work):
    asyncio.run(asyncio.wait_for(work, 60))


def test_a_request_waits_for_a_place_before_those_that_come_later(service):
    """A client that is done and asks again at once does not overtake one that waits."""
    order = []

    async def ask(name: str) -> None:
        job = await service.submit(lambda _: iter([(name, 0.0)]))
        order.append(name)
        async for _ in job:
            pass

    async def work():
        done = await fill(service)
        waiting = [asyncio.create_task(ask(name)) for name in ("a", "b")]
        await asyncio.sleep(0.2)
        assert order == []
        done.set()
        while service.model.jobs:  # there are places now
            await asyncio.sleep(0)
        await asyncio.gather(*waiting, ask("late"))

    run(work())
    assert order == ["a", "b", "late"]


def test_a_request_that_waits_too_long_is_refused_with_a_time(service, monkeypatch):
    monkeypatch.setattr(module, "PLACE_SECONDS", 0.2)

    async def work():
        done = await fill(service)
        with pytest.raises(ApiError) as refused:
            await service.submit(until(done))
        assert refused.value.status == 503 and refused.value.headers == {"Retry-After": "1"}
        done.set()
        await service.submit(until(done))  # the line is empty again

    run(work())


def test_the_line_is_no_longer_than_there_are_places(service):
    async def work():
        done = await fill(service)
        waiting = [asyncio.create_task(service.submit(until(done))) for _ in range(PLACES)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError, match="too many requests"):
            await service.submit(until(done))
        done.set()
        await asyncio.gather(*waiting)

    run(work())


def test_requests_in_the_line_end_when_the_server_stops(service):
    async def work():
        done = await fill(service)
        waiting = asyncio.create_task(service.submit(until(done)))
        await asyncio.sleep(0)
        service.end()
        with pytest.raises(ApiError, match="the server is stopping"):
            await waiting
        done.set()

    run(work())
