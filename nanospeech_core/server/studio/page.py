"""Serves the studio's files: a fixed table of names, nothing else of the folder."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent
SCRIPTS = (
    "main.js",
    "api.js",
    "audio.js",
    "downloads.js",
    "editor.js",
    "history.js",
    "lexicon.js",
    "mel.js",
    "messages.js",
    "options.js",
    "player.js",
    "recording.js",
    "reveal.js",
    "speech.js",
    "text.js",
    "timeline.js",
    "words.js",
)
# What each path answers with: a file, and its type.
PATHS = {
    "/": ("index.html", "text/html"),
    "/studio/style.css": ("style.css", "text/css"),
    "/studio/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/studio/{name}": (name, "text/javascript") for name in SCRIPTS},
}
# The page loads its own files and calls its own server: no text and no audio can go anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    """A file and its ETag."""
    data = FOLDER.joinpath(name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


async def show_page(request: Request) -> Response:
    """A file of the studio; status 304 if the browser has it."""
    name, media_type = PATHS[request.url.path]
    data, tag = _read(name)
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "ETag": tag,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=f"{media_type}; charset=utf-8", headers=headers)
