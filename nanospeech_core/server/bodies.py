"""Reading the bodies of requests, with a limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from .errors import ApiError

JSON_TYPE = "application/json"


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
    size = request.headers.get("content-length", "")
    if size.isdecimal() and len(size) < 20 and int(size) > most:
        raise ApiError(f"the body has {int(size):,} bytes; at most {most:,} are allowed", 413)
    data = bytearray()
    try:
        async for part in request.stream():
            data += part
            if len(data) > most:
                raise ApiError(f"the body has more than {most:,} bytes", 413)
    except ClientDisconnect as error:
        raise ApiError("the request was cut off") from error
    return bytes(data)
