"""Files and folders: the embedded model's files, folders that must be writable, the hub's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from ..checkpoints.folder import PRETRAINED
from ..errors import UserError
from ..system.install import is_installed
from ..voices.store import DATA_FOLDER, load_voice, user_folder, voice_names
from .finding import NOTE, OK, WRONG, Finding

CHECKSUMS = Path(__file__).with_name("embedded.sha256")  # as sha256sum writes them
REINSTALL = "install the package again, from a fresh copy of the repository: pip install --force-reinstall"
LITTLE = 0.5  # GB of free space
WALK = 3.0  # seconds to measure the cache


def check_embedded() -> Finding:
    """Whether the files of the embedded model and its voices are those of the repository."""
    expected = {}
    for line in CHECKSUMS.read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        expected[name] = digest
    faults = {name: _fault(PRETRAINED / name, digest) for name, digest in expected.items()}
    broken = {name: fault for name, fault in faults.items() if fault}
    values = {"files": len(expected), "broken": broken}
    if broken:
        listed = ", ".join(f"{name} {fault}" for name, fault in broken.items())
        return Finding(WRONG, f"the embedded model: {listed}", REINSTALL, values)
    return Finding(OK, f"all {len(expected)} files are as they were released", "", values)


def _fault(path: Path, digest: str) -> str:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return "" if found == digest else "was changed"


def check_folders() -> Finding:
    """Write to each folder that is written to: the user's voices, temporary files, the hub's cache."""
    folders = {"voices": _voices_folder(), "temporary": _temporary_folder(), "hub": hub_cache()}
    values: dict[str, Any] = {}
    notes: list[str] = []
    wrong: list[str] = []
    advice: list[str] = []
    for name, folder in folders.items():
        error, free = try_to_write(folder)
        values[name] = {"folder": str(folder or ""), "error": error, "free_gb": free}
        if name == "hub" and not is_installed("huggingface_hub"):
            continue
        if error:
            (wrong if name == "temporary" else notes).append(f"{TITLES[name]} cannot be written ({error})")
            advice.append(f"set {VARIABLES[name]} to a folder that can be written")
        elif free is not None and free < LITTLE:
            notes.append(f"{TITLES[name]} has {free:.1f} GB left")
            advice.append("free some space")
    own, broken = count_voices()
    values["voices"] |= {"own": own, "broken": broken}
    if broken:
        notes.append(f"{broken} of {own} voices of your own cannot be used")
        advice.append("nanospeech-mar voices list says why")
    status = WRONG if wrong else NOTE if notes else OK
    counted = f"{own} voice{'s' * (own != 1)} of your own"
    text = "; ".join([*wrong, *notes]) or f"all can be written: {', '.join(TITLES.values())}; {counted}"
    return Finding(status, text, "; ".join(dict.fromkeys(advice)), values)


TITLES = {"voices": "your voices' folder", "temporary": "the temporary folder", "hub": "the hub's cache"}
VARIABLES = {"voices": DATA_FOLDER, "temporary": "TMPDIR", "hub": "HF_HOME"}


def _voices_folder() -> Path | None:
    try:
        return user_folder(to_write=True)
    except UserError:  # no home
        return None


def _temporary_folder() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def hub_cache() -> Path | None:
    """The folder of the hub's cache; None: there is no home folder for it."""
    if is_installed("huggingface_hub"):
        from huggingface_hub import constants

        folder = Path(constants.HF_HUB_CACHE)
    else:
        folder = Path(os.path.expanduser("~/.cache/huggingface/hub"))
    return folder if folder.is_absolute() else None


def try_to_write(folder: Path | None) -> tuple[str, float | None]:
    """Write a file into a folder, or into the one that it would be made in, and delete it.

    Returns:
        why that fails, "" if it does not; and the free space in GB (10^9 bytes).
    """
    if folder is None:
        return "there is none", None
    while not os.path.exists(folder) and folder.parent != folder:
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"nanospeech")
            file.flush()
        return "", round(shutil.disk_usage(folder).free / 1e9, 1)
    except OSError as error:
        return error.strerror or str(error), None


def count_voices() -> tuple[int, int]:
    """How many voices of their own the user has, and how many of them cannot be used."""
    try:
        names = voice_names(user_folder())
    except UserError:
        return 0, 0
    broken = 0
    for name in names:
        try:
            load_voice(user_folder(), name)
        except UserError:
            broken += 1
    return len(names), broken


def check_hub() -> Finding:
    """Where the hub's models are kept, how many and how large. The hub is not asked."""
    folder = hub_cache()
    values: dict[str, Any] = {
        "installed": is_installed("huggingface_hub"),
        "folder": str(folder or ""),
        "offline": os.environ.get("HF_HUB_OFFLINE", ""),
        "models": 0,
        "gb": 0.0,
        "complete": True,
    }
    if folder is not None and os.path.isdir(folder):
        size, values["complete"] = measure(folder, WALK)
        values["gb"] = round(size / 1e9, 3)
        values["models"] = sum(name.startswith("models--") for name in os.listdir(folder))
    more = "" if values["complete"] else "at least "
    text = f"{values['models']} models, {more}{values['gb']:.1f} GB in {folder or 'no folder'}"
    if not values["installed"]:
        text = "huggingface_hub is not installed; only models by a hub id need it"
    elif values["offline"]:
        text += "; HF_HUB_OFFLINE forbids downloads"
    return Finding(OK, text, "", values)


def measure(folder: Path, limit: float) -> tuple[int, bool]:
    """The bytes of all files in a folder, without links; and whether `limit` seconds were enough."""
    size, end = 0, time.monotonic() + limit
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(place, name))
            except OSError:
                continue
            size += status.st_size if not os.path.islink(os.path.join(place, name)) else 0
        if time.monotonic() > end:
            return size, False
    return size, True
