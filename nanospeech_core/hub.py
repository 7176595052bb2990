"""Checkpoints on the Hugging Face hub: fetched once, cached by commit, read without a network afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from .errors import UserError
from .hub_files import HubError, Unreachable, fetch_files, find_cached, is_offline

HUB_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
MODEL_FILES = ("*.json", "*.safetensors", "*.flac", "*.txt")


def find_folder(
    name: str | os.PathLike,
    revision: str | None = None,
    patterns: Sequence[str] = MODEL_FILES,
    needed: Sequence[str] = ("model.safetensors",),
) -> Path:
    """A folder of this machine, or the local copy of a hub repository.

    Args:
        name: a folder, or a hub id: `owner/name` or `owner/name@revision`.
        revision: the hub's commit, tag or branch; pin a commit for a result that never changes.
        patterns: the files to fetch.
        needed: those without which a fetched copy is of no use.
    Raises:
        UserError: there is no such folder, or the hub cannot give it.
    """
    folder = Path(os.path.expanduser(name))
    if os.path.isdir(folder):  # unlike Path.is_dir, no error for a name that is too long
        return folder
    match = HUB_ID.fullmatch(str(name))
    if not match or os.path.isdir(folder.parent):
        raise UserError(f"no such folder: {name}")
    return download(match["id"], revision or match["revision"], patterns, needed)


def download(repository: str, revision: str | None, patterns: Sequence[str], needed: Sequence[str]) -> Path:
    """The local copy of a hub repository; a commit that is in the cache is taken without asking the hub."""
    if revision and COMMIT.fullmatch(revision):
        folder = find_cached(repository, revision)
        if folder and all((folder / name).is_file() for name in needed):
            return folder
    folder = fetch(repository, revision, patterns)
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing and is_offline():
        raise UserError(
            f"{repository} is in the cache without {missing[0]}, "
            "and HF_HUB_OFFLINE forbids fetching it: unset it once"
        )
    if missing:
        raise UserError(f"{repository} has no {missing[0]} that could be fetched from the hub")
    return folder


def fetch(repository: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """The newest copy of a revision: files that are not cached yet are fetched, cut-off ones continued.

    Where the hub cannot be reached or must not be asked, the one in the cache.
    """
    try:
        if is_offline():
            raise Unreachable("HF_HUB_OFFLINE is set")
        return fetch_files(repository, revision, patterns)
    except Unreachable as error:
        folder = find_cached(repository, revision)
        if folder:
            return folder
        at = f" at {revision}" if revision else ""
        if is_offline():
            raise UserError(
                f"{repository} is no folder here and is not (wholly) in the cache{at}, "
                "and HF_HUB_OFFLINE forbids fetching it: unset it once"
            ) from error
        raise UserError(
            f"{repository} is no folder here, and the hub cannot be reached to fetch it ({error})"
        ) from error
    except HubError as error:
        told = {
            "GatedRepo": "is gated: accept its terms on the hub, and set HF_TOKEN to your token",
            "RepoNotFound": "is neither a folder here nor a repository on the hub",
            "RevisionNotFound": f"has no revision {revision} on the hub",
        }
        other = f"is no folder here and could not be fetched from the hub: {error}"
        raise UserError(f"{repository} {told.get(error.code, other)}") from error
    except OSError as error:  # no space, no permission
        raise UserError(
            f"{repository} is no folder here and could not be fetched from the hub: {error.strerror or error}"
        ) from error
