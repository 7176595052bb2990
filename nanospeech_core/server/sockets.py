"""The sockets that the servers listen at."""

from __future__ import annotations

import socket

from ..errors import UserError


def open_socket(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address. Raises UserError if that is impossible."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind)
    except OSError as error:
        raise UserError(f"cannot listen at {host}: {error.strerror or error}") from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        opened.close()
        message = f"cannot listen at {host}:{port}: {error.strerror or error}; choose another --port"
        raise UserError(message) from error
    return opened


def address(bound: socket.socket) -> str:
    """The URL of a socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if bound.family == socket.AF_INET6 else f"http://{host}:{port}"
