"""Checkpoints on the Hugging Face hub: downloaded once, cached by commit, then read without a network."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

HUB_ID = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
TIMEOUT = 10.0  # seconds to wait for the hub's answer
MODEL_FILES = ("*.json", "*.safetensors", "*.flac", "*.txt")


def find_folder(
    name: str | os.PathLike,
    revision: str | None = None,
    patterns: Sequence[str] = MODEL_FILES,
    needed: Sequence[str] = ("model.safetensors",),
) -> Path:
    """Find a local folder, or the local copy of a hub repository; download it if necessary.

    Args:
        name: a folder, or a hub id: `owner/name` or `owner/name@revision`.
        revision: a commit, tag or branch on the hub; a commit makes the result reproducible.
        patterns: the files to download.
        needed: the files that must be among them.
    Raises:
        UserError: there is no such folder, and the hub does not provide it.
    """
    folder = Path(os.path.expanduser(name))
    if os.path.isdir(folder):  # unlike Path.is_dir, no error for a name that is too long
        return folder
    match = HUB_ID.fullmatch(str(name))
    if match is None or not is_hub_id(name):
        raise UserError(f"{name} does not exist")
    return download(match["id"], revision or match["revision"], patterns, needed)


def is_hub_id(name: str | os.PathLike) -> bool:
    """Whether a name that is no folder can be that of a hub repository."""
    parent = Path(os.path.expanduser(name)).parent
    return HUB_ID.fullmatch(str(name)) is not None and not os.path.isdir(parent)


def download(repository: str, revision: str | None, patterns: Sequence[str], needed: Sequence[str]) -> Path:
    """The local copy of a hub repository. A commit in the cache is used without asking the hub."""
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"there is no folder {repository}; to download models from the hub, pip install huggingface_hub"
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
            "and HF_HUB_OFFLINE forbids the download: unset HF_HUB_OFFLINE once"
        )
    if missing:
        raise UserError(f"the hub's repository {repository} has no {missing[0]}")
    return folder


def fetch(repository: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Download the missing files of a revision; an interrupted download is resumed."""
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
        raise UserError(f"{repository} is neither a local folder nor a repository on the hub") from error
    except RevisionNotFoundError as error:
        raise UserError(f"{repository} has no revision {revision} on the hub") from error
    except LocalEntryNotFoundError as error:
        at = f" at {revision}" if revision else ""
        if is_offline():
            raise UserError(
                f"there is no folder {repository}, it is not (completely) in the cache{at}, "
                "and HF_HUB_OFFLINE forbids the download: unset HF_HUB_OFFLINE once"
            ) from error
        raise UserError(
            f"there is no folder {repository}, and the hub cannot be reached (is the network up?)"
        ) from error
    except UserError:
        raise
    except Exception as error:  # no space, a forbidden id, what breaks in either of its HTTP libraries
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"there is no folder {repository}, and it could not be downloaded from the hub: {reason}"
        ) from error


def snapshot(
    repository: str, revision: str | None, patterns: Sequence[str], local_files_only: bool = False
) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.utils import logging

    if constants.HF_HUB_CACHE.startswith("~"):
        raise UserError(
            f"there is no folder {repository}, and no home folder for the hub's cache: set HF_HOME"
        )
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # errors are reported once, here
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
    """Whether the hub answers. Without a network, its library keeps trying for half a minute."""
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
