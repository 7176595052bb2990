"""The Hugging Face hub by plain HTTPS, and its cache on this machine, laid out as huggingface_hub does.

    models--OWNER--NAME/refs/REVISION           the commit of a branch or tag
    models--OWNER--NAME/snapshots/COMMIT/FILE   a link to
    models--OWNER--NAME/blobs/DIGEST            a file's bytes; those that have come so far are DIGEST.part

So what either has fetched, both find. The library itself would be 13 packages more for these few requests.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import hashlib
import json
import os
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .errors import UserError

ENDPOINT = "https://huggingface.co"
TIMEOUT = 10.0  # seconds in which the hub has to answer
_BLOCK = 1 << 20
_TRIES = 5  # for a file, each going on where the one before was cut off


class HubError(Exception):
    """What the hub answered: `code` is its X-Error-Code ("GatedRepo"), or "" ."""

    def __init__(self, reason: str, code: str = ""):
        super().__init__(reason)
        self.code = code


class Unreachable(HubError):
    """No answer, or none that says anything about the repository; in a word or two, why."""


class _File(NamedTuple):
    name: str
    size: int
    digest: str  # SHA-256 of a large file (LFS), else git's SHA-1


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE is set."""
    offline = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE", "")
    return offline.upper() in ("1", "ON", "YES", "TRUE")


def find_cached(repository: str, revision: str | None) -> Path | None:
    """The folder of a commit, tag or branch ("main" by default) in the cache, or None. It may lack files."""
    commit = revision or "main"
    if _leaves(commit):
        return None
    with contextlib.suppress(OSError, ValueError):
        commit = (_root(repository) / "refs" / commit).read_text(encoding="ascii").strip()
    folder = _root(repository) / "snapshots" / commit
    return folder if os.path.isdir(folder) else None


def fetch_files(repository: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Ask the hub what a revision is, fetch what the cache lacks of it, and return its folder.

    Args:
        repository: owner/name.
        revision: a commit, tag or branch; None is "main".
        patterns: of the names of the files to fetch.
    Raises:
        HubError, Unreachable: the hub does not give it.
        OSError: it cannot be written, as on a full disk.
    """
    asked = revision or "main"
    if _leaves(asked):
        raise HubError(f"there is no revision {asked}", "RevisionNotFound")
    url = f"{_endpoint()}/api/models/{repository}/revision/{urllib.parse.quote(asked, safe='')}?blobs=true"
    with _open(url) as response:
        commit, files = _listing(response.read())
    root = _root(repository)
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    (root / "blobs").mkdir(exist_ok=True)
    for file in files:
        if any(fnmatch.fnmatch(file.name, pattern) for pattern in patterns):
            if not os.path.isfile(folder / file.name):
                url = f"{_endpoint()}/{repository}/resolve/{commit}/{urllib.parse.quote(file.name)}"
                _fetch(url, file, root / "blobs" / file.digest)
                _link(root / "blobs" / file.digest, folder / file.name)
    if asked != commit:
        reference = root / "refs" / asked
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit, encoding="ascii")
    return folder


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT


def _home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    home = os.path.expanduser(os.environ.get("HF_HOME") or os.path.join(cache, "huggingface"))
    if home.startswith("~"):
        raise UserError("there is no home folder to keep what the hub gives: say where in HF_HOME")
    return Path(home)


def _root(repository: str) -> Path:
    cache = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    folder = Path(os.path.expanduser(cache)) if cache else _home() / "hub"
    return folder / f"models--{repository.replace('/', '--')}"


def _leaves(name: str) -> bool:
    """Whether a path made of the name could lie outside its folder."""
    return PurePosixPath(name).is_absolute() or bool({"", ".", ".."} & set(name.split("/")))


def _token() -> str:
    """What `hf auth login` left, or HF_TOKEN; "" for none."""
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        with contextlib.suppress(OSError, UserError, ValueError):
            path = os.environ.get("HF_TOKEN_PATH") or _home() / "token"
            token = Path(os.path.expanduser(path)).read_text(encoding="ascii")
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        raise UserError("the hub's token (HF_TOKEN, or what `hf auth login` left) is no token")
    return token


def _listing(data: bytes) -> tuple[str, list[_File]]:
    try:
        answer = json.loads(data)
        files = [
            _File(row["rfilename"], int(row["size"]), (row.get("lfs") or {}).get("sha256") or row["blobId"])
            for row in answer["siblings"]
        ]
        commit = answer["sha"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreachable("it gave no list of files") from error
    names = [commit, *(name for file in files for name in (file.name, file.digest))]
    for name in names:  # they become paths in the cache
        if _leaves(name):
            raise HubError(f"it has a file that would lie outside its folder: {name}")
    return commit, files


class _Redirect(urllib.request.HTTPRedirectHandler):
    """The token goes to the hub only, not to the servers of files that it sends us to."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # as Python 3.11 has it

    def redirect_request(self, request, file, code, message, headers, url):
        if code == 308:
            code = 307
        following = super().redirect_request(request, file, code, message, headers, url)
        authorization = request.unredirected_hdrs.get("Authorization")
        same = following is not None and (following.type, following.host) == (request.type, request.host)
        if authorization and same:
            following.add_unredirected_header("Authorization", authorization)
        return following


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    import ssl

    import truststore  # the system's certificates: python.org's Python on a Mac has none of its own

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Redirect)


@contextlib.contextmanager
def _open(url: str, start: int = 0) -> Iterator:
    """The hub's answer, from a byte on. Raises HubError; Unreachable also where the answer breaks off."""
    import ssl
    from http.client import HTTPException

    headers = {"User-Agent": "nanospeech-mar", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        request = urllib.request.Request(url, headers=headers)
    except ValueError as error:
        raise Unreachable(f"HF_ENDPOINT is no address: {_endpoint()}") from error
    if token := _token():
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            yield response
    except urllib.error.HTTPError as error:
        code = error.headers.get("X-Error-Code") or ("RepoNotFound" if error.code in (401, 404) else "")
        kind = Unreachable if error.code == 429 or error.code >= 500 else HubError
        raise kind(f"it answers {error.code} {error.reason}", code) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, ssl.SSLError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        network = isinstance(reason, (OSError, HTTPException)) and not isinstance(reason, ssl.SSLError)
        raise Unreachable("is the network up?" if network else str(reason)) from error


def _fetch(url: str, file: _File, blob: Path) -> None:
    """Fetch one file; what a killed or cut-off process has of it is kept and continued by the next."""
    import fcntl

    part = blob.with_name(f"{blob.name}.part")
    with open(part, "ab") as out:
        fcntl.flock(out, fcntl.LOCK_EX)  # another process may be fetching it
        if os.path.isfile(blob):
            part.unlink(missing_ok=True)
            return
        for attempt in range(_TRIES):
            try:
                _continue(url, file, out)
                break
            except Unreachable:
                if attempt == _TRIES - 1:
                    raise
        out.flush()
        if not _is_whole(part, file):
            part.unlink()
            raise HubError(f"{file.name} arrived damaged")
        os.replace(part, blob)


def _continue(url: str, file: _File, out) -> None:
    from tqdm import tqdm

    start = out.tell()
    if start >= file.size:
        return
    with _open(url, start) as response:
        if start and response.status != 206:  # it sends all of it again
            out.truncate(0)
            start = 0
        with tqdm(
            total=file.size, initial=start, desc=file.name, unit="B", unit_scale=True, disable=None
        ) as bar:
            while block := response.read(_BLOCK):
                out.write(block)
                bar.update(len(block))
    if out.tell() < file.size:
        raise Unreachable("the connection was cut off")


def _is_whole(path: Path, file: _File) -> bool:
    size = path.stat().st_size
    git = len(file.digest) == 40
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if git else hashlib.sha256()
    with open(path, "rb") as data:
        while block := data.read(_BLOCK):
            digest.update(block)
    return size == file.size and digest.hexdigest() == file.digest


def _link(blob: Path, path: Path) -> None:
    """Let the snapshot's file be the blob: a link, or the blob itself where there can be none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.symlink_to(os.path.relpath(blob, path.parent))
    except OSError:
        shutil.move(blob, temporary)
    os.replace(temporary, path)
