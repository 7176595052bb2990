"""`python -m nanospeech_{mlx,torch}.serve`: speech over HTTP, as OpenAI's API has it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import UserError
from ..pipeline import Pipeline
from ..system.install import need
from ..system.process import note
from ..system.serving import run_and_end
from .flags import add_compile, add_precision, named
from .output import add_version, guard

if TYPE_CHECKING:
    from ..server.service import Service

DESCRIPTION = "Serve speech over HTTP: OpenAI's audio API, with word times, editing and voices."
KEY = "NANOSPEECH_API_KEY"  # an environment variable: other users can read the flags of a process
NEEDED = ("starlette", "uvicorn", "av", "prometheus_client", "python_multipart")


def run(load: Callable[..., Pipeline], argv: Sequence[str] | None, prog: str) -> int:
    """Run the command until it is interrupted; `load`, `argv`, `prog` and the result as in `generate.run`."""
    args = _parser(prog).parse_args(argv)
    return run_and_end(lambda: guard(lambda: _serve(load, args), prog, args.quiet))


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    add_server_flags(parser, 8000)
    parser.add_argument(
        "--api-key-file",
        type=named,
        metavar="FILE",
        help=f"a file with the key that clients must send (or set {KEY}; default: none is needed)",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of this origin use the server, for example https://example.com; may be repeated",
    )
    parser.add_argument(
        "--allow-uploads", action="store_true", help="let clients store voices from recordings"
    )
    return parser


def add_server_flags(parser: argparse.ArgumentParser, port: int) -> None:
    """Add the flags of every server: where it listens, the model, and limits."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument(
        "--port", type=_port, default=port, help="port (default: %(default)s; 0: any free one)"
    )
    parser.add_argument(
        "--model", type=named, metavar="DIR|ID", help="a folder or hub id (default: embedded)"
    )
    parser.add_argument("--vocoder", type=named, metavar="DIR|ID", help="another vocoder")
    add_precision(parser)
    add_compile(parser)
    parser.add_argument(
        "--max-characters", type=_count, default=4096, metavar="N", help="of a text (default: 4096)"
    )
    parser.add_argument(
        "--max-requests", type=_count, default=64, metavar="N", help="at a time, waiting ones included (64)"
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    add_version(parser)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _serve(load: Callable[..., Pipeline], args: argparse.Namespace) -> None:
    need(NEEDED, "the server", "serve")
    from ..server.api.access import LOOPBACK, Access
    from ..server.app import create_app
    from ..server.listen import listen
    from ..server.sockets import open_socket

    key = _read_key(args.api_key_file)
    local = args.host in LOOPBACK
    if not local and key is None:
        note(f"anyone who reaches {args.host}:{args.port} can use this server: set {KEY} to require a key")
    access = Access(
        api_key=key,
        origins=tuple(args.allow_origin),
        hosts=LOOPBACK if local else (),
        log=(lambda _: None) if args.quiet else note,
    )
    with open_socket(args.host, args.port) as socket:  # before the model is loaded: the port may be taken
        service = start_service(load, args, args.allow_uploads)
        listen(create_app(service, access), service, socket)


def start_service(
    load: Callable[..., Pipeline], args: argparse.Namespace, allow_uploads: bool = False
) -> Service:
    """A started service with the model and the limits of the flags of `add_server_flags`."""
    from ..server.service import Limits, Service

    limits = Limits(max_characters=args.max_characters, max_jobs=args.max_requests)
    service = Service(
        lambda: load(args.model, args.vocoder, args.compile, args.precision), limits, allow_uploads
    )
    service.start()
    return service


def _read_key(path: str | None) -> str | None:
    """The API key. Raises UserError if the file cannot be read, or the key is empty."""
    if path is None:
        return os.environ.get(KEY) or None
    try:
        with open(path, encoding="utf-8") as file:
            key = file.read().strip()
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not key or not key.isprintable():
        raise UserError(f"{path} has no key: it must have one line")
    return key
