"""Reading the bodies of requests, with a limit."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from ..errors import ApiError

JSON_TYPE = "application/json"
BODY_SECONDS = 30.0  # without a byte of a body, after which a request is given up


async def read_body(request: Request, most: int) -> bytes:
    """The body of a JSON request.

    The content type is required: a web page of another origin cannot send it without the browser asking the
    server first (CORS).

    Args:
        request: not yet read.
        most: bytes.
    Raises:
        ApiError: another content type, too large, or cut off.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON_TYPE:
        raise ApiError(f"the Content-Type must be {JSON_TYPE}", 415)
    return await read_limited(request, most)


async def read_limited(request: Request, most: int) -> bytes:
    """The body of a request, of at most that many bytes. Raises ApiError."""
    try:
        return await limited(request, most).body()
    except ClientDisconnect as error:
        raise ApiError("the request was cut off") from error


def limited(request: Request, most: int) -> Request:
    """The same request, whose body ends with an ApiError after that many bytes, or if nothing comes.

    Raises ApiError at once if the request says that there are more bytes.
    """
    too_large = ApiError(f"the body is too large: at most {most:,} bytes are allowed", 413)
    size = request.headers.get("content-length", "")
    if size.isdecimal() and (len(size) > 15 or int(size) > most):
        raise too_large
    received = 0

    async def receive() -> Message:
        nonlocal received
        try:
            message = await asyncio.wait_for(request.receive(), BODY_SECONDS)
        except asyncio.TimeoutError as error:
            raise ApiError("the body did not arrive in time", 408) from error
        received += len(message.get("body", b""))
        if received > most:
            raise too_large
        return message

    return Request(request.scope, receive)
