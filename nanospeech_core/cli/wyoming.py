"""`python -m nanospeech_{mlx,torch}.wyoming`: speech for Home Assistant, by the Wyoming protocol."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence

from ..pipeline import Pipeline
from ..system.install import need
from ..system.process import note
from ..system.serving import run_and_end, until_signaled
from .output import guard, version
from .serve import add_server_flags, start_service

DESCRIPTION = "Serve speech to Home Assistant by the Wyoming protocol."
PORT = 10200  # Piper's


def run(load: Callable[..., Pipeline], argv: Sequence[str] | None, prog: str) -> int:
    """Run the command until it is interrupted; `load`, `argv`, `prog` and the result as in `generate.run`."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    add_server_flags(parser, PORT)
    args = parser.parse_args(argv)
    return run_and_end(lambda: guard(lambda: _serve(load, args), prog, args.quiet))


def _serve(load: Callable[..., Pipeline], args: argparse.Namespace) -> None:
    need(("wyoming", "starlette", "prometheus_client"), "this server", "wyoming")
    from ..server.sockets import address, open_socket
    from ..server.wyoming import serve

    with open_socket(args.host, args.port) as socket:
        service = start_service(load, args)
        try:
            if not args.quiet:
                note(f"listening at {address(socket).replace('http', 'tcp')} (stop with Ctrl-C)")
            asyncio.run(until_signaled(serve(service, version(), socket)))
        finally:
            service.stop()
