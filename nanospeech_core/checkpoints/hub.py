"""Checkpoints on the Hugging Face hub: fetched once, cached by commit, read without a network afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

HUB_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
TIMEOUT = 10.0  # seconds in which the hub has to answer
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
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"{repository} is no folder here; for models of the hub, pip install huggingface_hub"
        ) from error
    from huggingface_hub.errors import LocalEntryNotFoundError

    if revision and COMMIT.fullmatch(revision):
        try:
            folder = snapshot(repository, revision, patterns, local_files_only=True)
            if all((folder / name).is_file() for name in needed):
                return folder
        except LocalEntryNotFoundError:
            pass
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
    """The newest copy of a revision: files that are not cached yet are fetched, cut-off ones continued."""
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        reachable = is_offline() or can_be_reached()
        return snapshot(repository, revision, patterns, local_files_only=not reachable)
    except GatedRepoError as error:  # a RepositoryNotFoundError too, so it comes first
        raise UserError(
            f"{repository} is gated: accept its terms on the hub and log in with `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(f"{repository} is neither a folder here nor a repository on the hub") from error
    except RevisionNotFoundError as error:
        raise UserError(f"{repository} has no revision {revision} on the hub") from error
    except LocalEntryNotFoundError as error:
        at = f" at {revision}" if revision else ""
        if is_offline():
            raise UserError(
                f"{repository} is no folder here and is not (wholly) in the cache{at}, "
                "and HF_HUB_OFFLINE forbids fetching it: unset it once"
            ) from error
        raise UserError(
            f"{repository} is no folder here, and the hub cannot be reached to fetch it (is the network up?)"
        ) from error
    except UserError:
        raise
    except Exception as error:  # no space, a forbidden id, what breaks in either of its HTTP libraries
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{repository} is no folder here and could not be fetched from the hub: {reason}"
        ) from error


def snapshot(
    repository: str, revision: str | None, patterns: Sequence[str], local_files_only: bool = False
) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.utils import logging

    if constants.HF_HUB_CACHE.startswith("~"):
        raise UserError(
            f"{repository} is no folder here, and there is no home folder for the hub's: set HF_HOME"
        )
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what is wrong is told once, by us
    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(patterns),
            local_files_only=local_files_only,
        )
    finally:
        logging.set_verbosity(verbosity)
    return Path(folder)


def can_be_reached() -> bool:
    """Whether the hub answers at all: without a network its library tries on for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
    except Exception:  # of requests or httpx, by the library's version
        return False
    return True


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE is set."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE
