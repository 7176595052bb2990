"""Listening: the socket, and uvicorn with answers of OpenAI's shape to what is not HTTP."""

from __future__ import annotations

import json
import logging
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..system.process import note
from .errors import ApiError
from .sockets import address

BACKLOG = 512
GRACE = 5  # seconds that a request gets to end after Ctrl-C
MAX_CONNECTIONS = 512


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


class _Server(uvicorn.Server):
    """Says where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        for bound in sockets or ():
            note(f"listening at {address(bound)} (stop with Ctrl-C)")


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
        timeout_graceful_shutdown=GRACE,
    )


def listen(app: ASGIApp, bound: socket.socket) -> None:
    """Serve an application until the process is interrupted."""
    logging.getLogger("uvicorn.error").addFilter(_one_line)
    _Server(configuration(app)).run(sockets=[bound])


def _one_line(record: logging.LogRecord) -> bool:
    """Reduce an exception in the log to its last line."""
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        record.msg, record.args = f"failed: {type(error).__name__}: {' '.join(str(error).split())}", ()
        record.exc_info = None
    return record.levelno >= logging.WARNING
