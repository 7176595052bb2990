"""The embedded files, writable folders, the hub's cache."""

import os
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest
from checkpoints import make_voice

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.doctor import storage
from nanospeech_core.doctor.finding import NOTE, OK, WRONG
from nanospeech_core.voices.store import save_voice

READ_ONLY = "/dev/null/x"  # even root cannot write there


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """All folders are in an empty one."""
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(storage, "hub_cache", lambda: tmp_path / "hub")
    monkeypatch.setattr(storage, "is_installed", lambda name: True)
    return tmp_path


def test_the_embedded_files_are_whole():
    finding = storage.check_embedded()
    assert finding.status == OK and finding.values == {"files": 16, "broken": {}}


def test_every_embedded_file_has_a_checksum():
    names = {line.partition("  ")[2] for line in storage.CHECKSUMS.read_text(encoding="utf-8").splitlines()}
    files = {str(path.relative_to(PRETRAINED)) for path in PRETRAINED.rglob("*") if path.is_file()}
    assert names == files - {"README.md"}, "run python tests/helpers/doctor_golden.py"


def test_a_changed_and_a_missing_file(tmp_path, monkeypatch):
    shutil.copytree(PRETRAINED, tmp_path / "model")
    monkeypatch.setattr(storage, "PRETRAINED", tmp_path / "model")
    assert storage.check_embedded().status == OK
    with open(tmp_path / "model" / "vocos.safetensors", "r+b") as file:
        file.seek(100_000)
        file.write(b"\0\1")
    (tmp_path / "model" / "voices" / "emma.json").unlink()
    finding = storage.check_embedded()
    assert finding.status == WRONG and finding.advice == storage.REINSTALL
    assert finding.values["broken"] == {
        "vocos.safetensors": "was changed",
        "voices/emma.json": "cannot be read (No such file or directory)",
    }
    assert "vocos.safetensors was changed" in finding.text


def test_folders_that_can_be_written(folders):
    finding = storage.check_folders()
    assert finding.status == OK and finding.text.endswith("0 voices of your own")
    assert list(folders.iterdir()) == []  # nothing is made or left
    assert (
        finding.values["voices"]["folder"] == str(folders / "data") and finding.values["hub"]["error"] == ""
    )
    assert finding.values["temporary"]["free_gb"] >= 0


def test_folders_that_cannot_be_written(folders, monkeypatch):
    monkeypatch.setenv("NANOSPEECH_DATA", READ_ONLY)
    finding = storage.check_folders()
    assert finding.status == NOTE
    assert finding.text == "your voices' folder cannot be written (Not a directory)"
    assert finding.advice == "set NANOSPEECH_DATA to a folder that can be written"
    monkeypatch.setattr(tempfile, "tempdir", READ_ONLY)
    finding = storage.check_folders()
    assert finding.status == WRONG and finding.text.startswith("the temporary folder cannot be written")
    assert finding.advice.endswith("set TMPDIR to a folder that can be written")


def test_the_hubs_cache_matters_only_with_the_hub(folders, monkeypatch):
    monkeypatch.setattr(storage, "hub_cache", lambda: Path(READ_ONLY))
    finding = storage.check_folders()
    assert finding.status == NOTE and finding.advice == "set HF_HOME to a folder that can be written"
    monkeypatch.setattr(storage, "is_installed", lambda name: False)
    assert storage.check_folders().status == OK


def test_a_full_disk(folders, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(100_000_000))
    finding = storage.check_folders()
    assert finding.status == NOTE and "the temporary folder has 0.1 GB left" in finding.text
    assert finding.advice == "free some space"


def test_no_home(homeless, folders, monkeypatch):
    monkeypatch.delenv("NANOSPEECH_DATA", raising=False)
    finding = storage.check_folders()
    assert finding.status == NOTE and "your voices' folder cannot be written (there is none)" in finding.text


def test_voices_of_your_own_are_counted_not_named(folders):
    for name in ("annas-voice", "bert"):
        save_voice(folders / "data", make_voice(name, "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ."))
    finding = storage.check_folders()
    assert finding.status == OK and finding.text.endswith("2 voices of your own")
    (folders / "data" / "voices" / "bert.json").write_text("{", encoding="utf-8")
    finding = storage.check_folders()
    assert finding.status == NOTE and finding.text == "1 of 2 voices of your own cannot be used"
    assert finding.advice == "nanospeech-mar voices list says why"
    assert "anna" not in f"{finding}" and "bert" not in f"{finding}"


def test_the_size_of_the_hubs_cache(folders, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert storage.check_hub().text.startswith("0 models, 0.0 GB in ")
    blobs = folders / "hub" / "models--anna--voice" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "1").write_bytes(bytes(60_000_000))
    os.symlink(blobs / "1", blobs.parent / "model.safetensors")
    finding = storage.check_hub()
    assert finding.text == f"1 models, 0.1 GB in {folders / 'hub'}"
    assert finding.values["gb"] == 0.06 and finding.values["complete"]
    monkeypatch.setattr(storage, "WALK", -1.0)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finding = storage.check_hub()
    assert "at least 0.0 GB" in finding.text and finding.text.endswith("HF_HUB_OFFLINE forbids downloads")


def test_without_the_hub(folders, monkeypatch):
    monkeypatch.setattr(storage, "is_installed", lambda name: False)
    finding = storage.check_hub()
    assert finding.status == OK and finding.text.startswith("huggingface_hub is not installed")
