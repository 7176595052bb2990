"""Listening: the socket, and uvicorn with answers of OpenAI's shape to what is not HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..system.process import note
from ..system.serving import Workers, handled_signals
from .errors import ApiError
from .model_thread import STOP_SECONDS, Stopping
from .service import Service
from .sockets import address

BACKLOG = 512
GRACE = 5  # seconds that a request gets to end after Ctrl-C
FAREWELL = 1  # seconds that the last bytes get to be sent
MAX_CONNECTIONS = 512
WORKERS = 8  # threads that encode, and read recordings


class _Protocol(H11Protocol):
    """HTTP, whose answer to what is no HTTP has the shape of the other errors."""

    def send_400_response(self, msg: str) -> None:
        """Answer and close the connection."""
        body = json.dumps(
            ApiError(f"{msg.rstrip('.')}: this is not HTTP/1.1, or its headers are too long").body()
        )
        head = (
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write((head + body).encode())
        self.transport.close()


class Server(uvicorn.Server):
    """Serves the application of a service, and ends in time, whatever its clients do."""

    def __init__(self, app: ASGIApp, service: Service):
        super().__init__(configuration(app))
        self.service = service
        logging.getLogger("uvicorn.error").addFilter(_one_line)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        asyncio.get_running_loop().set_default_executor(Workers(WORKERS))
        await super().startup(sockets)
        for bound in sockets or ():
            note(f"listening at {address(bound)} (stop with Ctrl-C)")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn, whose signals do not include that of a closed terminal."""
        with super().capture_signals(), handled_signals(lambda number: self.handle_exit(number, None)):
            yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn: it waits for the requests, which end in `GRACE` seconds and a step of the model."""
        ending = asyncio.create_task(self._end_requests())
        await super().shutdown(sockets)
        ending.cancel()

    async def _end_requests(self) -> None:
        """Cut what is not done after the grace: unfinished streams break off, others get status 503."""
        await asyncio.sleep(GRACE)
        self.service.end()
        deadline = time.monotonic() + STOP_SECONDS
        while self.service.model.alive and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.sleep(FAREWELL)
        # What is left: clients that do not read or send, and work outside of the model's thread.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


def configuration(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn runs an application."""
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=round(GRACE + STOP_SECONDS + 2 * FAREWELL),
    )


def listen(app: ASGIApp, service: Service, bound: socket.socket) -> None:
    """Serve an application until the process is interrupted."""
    Server(app, service).run(sockets=[bound])


def _one_line(record: logging.LogRecord) -> bool:
    """Reduce an exception in the log to its last line; that a stop cut a request is no failure."""
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        if isinstance(error, (Stopping, asyncio.CancelledError)):
            return False
        record.msg, record.args = f"failed: {type(error).__name__}: {' '.join(str(error).split())}", ()
        record.exc_info = None
    return record.levelno >= logging.WARNING
