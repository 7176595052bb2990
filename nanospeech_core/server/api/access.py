"""Who may use the server: an API key, names of hosts, origins; and one line in the log for each request."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...system.process import note
from ..errors import ApiError
from ..metrics import BROKEN, Metrics
from ..studio.page import PATHS

LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN_PATHS = ("/health", *PATHS)  # without a key; the studio asks for it
METHODS, HEADERS = "GET, POST, OPTIONS", "Authorization, Content-Type"


@dataclass(frozen=True)
class Access:
    """The rules.

    Attributes:
        api_key: what a client sends as `Authorization: Bearer KEY`; None: no key is needed.
        origins: web pages of these origins may use the server; none may unless it is listed, or the server's.
        hosts: the names that a request may give as its host; (): any. A web page can give its own name the
            address of this machine (DNS rebinding), so a server for this machine only accepts its own names.
        log: prints a line.
    """

    api_key: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    log: Callable[[str], None] = note

    def check(self, headers: Headers, method: str, path: str) -> None:
        """Raise ApiError for a request that is not allowed."""
        if self.hosts and _host_name(headers.get("host", "")) not in self.hosts:
            raise ApiError("this server answers to localhost only: start it with --host to open it", 403)
        origin = headers.get("origin")
        if origin is not None and not self.allows(origin, headers.get("host", "")):
            raise ApiError(
                "web pages of this origin are not allowed: start the server with --allow-origin", 403
            )
        if self.api_key is None or path in OPEN_PATHS or method == "OPTIONS":
            return
        scheme, _, key = headers.get("authorization", "").partition(" ")
        sent, expected = key.strip().encode("latin-1"), self.api_key.encode()  # as HTTP has it: bytes
        if scheme.lower() != "bearer" or not hmac.compare_digest(sent, expected):
            raise ApiError("the API key is missing or wrong", 401, code="invalid_api_key")

    def allows(self, origin: str, host: str) -> bool:
        """Whether a web page of an origin may use the server: its own page may."""
        return "*" in self.origins or origin in self.origins or origin.partition("://")[2] == host


def _host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return urlsplit("//" + host).hostname or ""
    except ValueError:
        return ""


class AccessMiddleware:
    """Checks a request, adds the headers of CORS, and writes the log."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics):
        self.app, self.access, self.metrics = app, access, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as an ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499  # the client left before there was an answer
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        allowed = origin if origin is not None and self.access.allows(origin, host) else None

        async def send_logged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if allowed is not None:
                    answered = MutableHeaders(scope=message)
                    answered["Access-Control-Allow-Origin"] = allowed
                    answered["Vary"] = "Origin"
            await send(message)

        try:
            self.access.check(headers, scope["method"], scope["path"])
        except ApiError as error:
            await error.response()(scope, receive, send_logged)
        else:
            if scope["method"] == "OPTIONS" and allowed is not None:
                await _preflight(send_logged)
            else:
                await self.app(scope, receive, send_logged)
        finally:
            path = scope["route"].path if "route" in scope else "other"
            self.metrics.requests.labels(path, str(status)).inc()
            line = (
                f"{scope['method']:.10} {scope['path']!r:.100} {status} {time.perf_counter() - began:.3f} s"
            )
            if "broken" in scope:  # of a stream, whose status is that of its beginning
                reason, audio = scope["broken"]
                self.metrics.broken_streams.labels(reason).inc()
                line += f", {BROKEN[reason]} after {audio:.1f} s of audio"
            self.access.log(line)


async def _preflight(send: Send) -> None:
    """The answer to a browser that asks whether a page may send a request."""
    headers = [
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", HEADERS.encode()),
        (b"access-control-max-age", b"600"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
