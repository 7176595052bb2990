"""The hub's cache, laid out in a folder as huggingface_hub does: found, incomplete, absent, asked once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from nanospeech_core.checkpoints import hub
from nanospeech_core.checkpoints.vocoder import PUBLIC, find_vocoder
from nanospeech_core.errors import UserError

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache; the hub is out of bounds by HF_HUB_OFFLINE, as conftest sets it."""
    assert constants.HF_HUB_OFFLINE
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(cache: Path, name: str, commit: str, *files: str, ref: str | None = "main") -> Path:
    """A snapshot of files, links to blobs, as huggingface_hub leaves them."""
    root = cache / f"models--{name.replace('/', '--')}"
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    (root / "blobs").mkdir(exist_ok=True)
    for number, file in enumerate(files):
        (root / "blobs" / f"{commit[:8]}{number}").write_text(file)
        (folder / file).symlink_to(os.path.relpath(root / "blobs" / f"{commit[:8]}{number}", folder))
    if ref:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs" / ref).write_text(commit)
    return folder


def test_a_cached_repository_needs_no_network(cache):
    old = put(cache, "owner/name", OLD, "model.safetensors", ref="v1")
    new = put(cache, "owner/name", NEW, "model.safetensors")
    assert hub.find_folder("owner/name") == new
    assert hub.find_folder("owner/name@v1") == hub.find_folder("owner/name", "v1") == old
    assert hub.find_folder(f"owner/name@{OLD}") == hub.find_folder("owner/name", OLD) == old
    assert hub.find_folder(f"owner/name@{NEW}", "v1") == old  # the argument goes before the name's


def test_a_commit_that_is_cached_is_not_asked_for(cache, monkeypatch):
    """Also where the network is up: a commit never changes."""
    folder = put(cache, "owner/name", OLD, "model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "can_be_reached", lambda: True)
    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", None)
    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_tree", None)
    assert hub.find_folder("owner/name", OLD) == folder
    with pytest.raises(UserError, match="could not be downloaded .* not callable"):  # while a branch is
        hub.find_folder("owner/name", "main")


def test_an_incomplete_commit_is_fetched(cache, monkeypatch):
    folder, calls = put(cache, "owner/name", OLD, "config.json"), []

    def snapshot_download(repository, revision, allow_patterns, local_files_only):
        calls.append((repository, revision, local_files_only))
        if not local_files_only:
            (folder / "model.safetensors").touch()
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert hub.find_folder("owner/name", OLD) == folder
    assert calls == [("owner/name", OLD, True), ("owner/name", OLD, False)]


@pytest.mark.parametrize("name", ["owner/name", "owner/name@v2", f"owner/name@{NEW}"])
def test_an_absent_repository_gives_an_error_offline(cache, name):
    put(cache, "owner/name", OLD, "model.safetensors", ref=None)
    at = f" at {name.partition('@')[2]}" if "@" in name else ""
    with pytest.raises(
        UserError, match=rf"^there is no folder owner/name, .* in the cache{at}, and HF_HUB_OFFLINE forbids"
    ):
        hub.find_folder(name)


@pytest.mark.parametrize("revision", [None, OLD])
def test_a_cached_repository_without_its_weights_gives_an_error(cache, revision, monkeypatch):
    put(cache, "owner/name", OLD, "config.json")
    with pytest.raises(UserError, match="in the cache without model.safetensors, and HF_HUB_OFFLINE forbids"):
        hub.find_folder("owner/name", revision)
    folder = str(cache / "models--owner--name" / "snapshots" / OLD)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "can_be_reached", lambda: True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: folder)
    with pytest.raises(UserError, match="owner/name has no model.safetensors"):
        hub.find_folder("owner/name", revision)


NO_NETWORK = """
from nanospeech_core.checkpoints import hub
from nanospeech_core.errors import UserError
for name in ("owner/name@main", "other/name", "other/name@" + "a" * 40):
    try:
        print(hub.find_folder(name))
    except UserError as error:
        print(error)
"""


def test_without_a_network_there_is_an_error_at_once(cache):
    """No hub listens there: its library would try again for half a minute, and say so in many lines."""
    folder = put(cache, "owner/name", NEW, "model.safetensors")
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(cache)}
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:1", "PYTHONPATH": str(Path(hub.__file__).parents[2])}
    line = [sys.executable, "-c", NO_NETWORK]
    started = time.monotonic()
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)
    assert time.monotonic() - started < 20
    absent = "there is no folder other/name, and the hub cannot be reached (is the network up?)"
    assert (done.stdout.splitlines(), done.stderr) == ([str(folder), absent, absent], "")


def test_a_folder_goes_before_a_repository(cache):
    put(cache, "owner/name", OLD, "model.safetensors")
    Path("owner/name").mkdir(parents=True)
    assert hub.find_folder("owner/name") == Path("owner/name")


def test_the_public_vocoder(cache):
    name, commit = PUBLIC.split("@")
    assert hub.COMMIT.fullmatch(commit)
    with pytest.raises(UserError, match="vocos-mel-24khz, it is not .* HF_HUB_OFFLINE forbids"):
        find_vocoder(PUBLIC)
    folder = put(cache, name, commit, "config.yaml", "pytorch_model.bin", ref=None)
    assert find_vocoder(PUBLIC) == folder
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):  # the branch was never asked for
        find_vocoder(name)


def test_without_its_library_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match="^there is no folder me/voice; .*pip install huggingface_hub$"):
        hub.find_folder("me/voice")


@pytest.mark.parametrize("revision", ["", "@" + "0" * 40])
def test_the_hub_without_a_home(homeless, monkeypatch, revision):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", os.path.expanduser("~/.cache/huggingface/hub"))
    with pytest.raises(UserError, match="no home folder for the hub's cache: set HF_HOME"):
        hub.find_folder(f"who/what{revision}")
