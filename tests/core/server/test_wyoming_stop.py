"""A Wyoming server that stops while clients listen."""

from __future__ import annotations

import asyncio

import pytest

servers = pytest.importorskip("servers")
pytest.importorskip("wyoming", reason="needs the extra [wyoming]")

from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

from nanospeech_core.server.service import Service
from nanospeech_core.server.sockets import open_socket
from nanospeech_core.server.wyoming import serve


def test_a_stream_breaks_off_and_a_client_that_does_not_read_is_left():
    """No `audio-stop`, which would mean that the speech is complete."""
    service = Service(servers.EndlessModel)
    service.start()

    async def run():
        with open_socket("127.0.0.1", 0) as bound:
            bound.listen()
            task = asyncio.create_task(serve(service, "1.0", bound))
            reading, deaf = AsyncTcpClient(*bound.getsockname()), AsyncTcpClient(*bound.getsockname())
            async with reading, deaf:
                for client in (deaf, reading):
                    await client.write_event(Synthesize("On.").event())
                types = [(await asyncio.wait_for(reading.read_event(), 60)).type for _ in range(3)]
                # the audio that is kept for a client is all that is generated for it: it does not read
                while not any(job.kept_seconds >= 30 for job in service.model.jobs):
                    await asyncio.wait_for(reading.read_event(), 60)
                task.cancel()
                await asyncio.wait([task], timeout=60)
                rest = asyncio.all_tasks() - {asyncio.current_task()}
                for other in rest:  # as `asyncio.run` does
                    other.cancel()
                assert task.done() and not (await asyncio.wait(rest, timeout=60))[1]
                while (event := await asyncio.wait_for(reading.read_event(), 60)) is not None:
                    types.append(event.type)
        return types

    try:
        types = asyncio.run(run())
    finally:
        service.stop()
    assert types[0] == "audio-start" and set(types[1:]) == {"audio-chunk"}
