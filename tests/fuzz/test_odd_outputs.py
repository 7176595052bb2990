"""Outputs that are no new file: read-only disks, folders, links, pipes, devices, mount points."""

import os
import stat
import threading
from pathlib import Path

import pytest
from all_commands import COMMANDS, contents, words
from disks import bind, small_disk, write_protect

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

import runs
from kills import run

pytestmark = pytest.mark.slow
FILES = {
    "wav": "a.wav",
    "flac": "a.flac",
    "ogg": "a.ogg",
    "mp3": "a.mp3",
    "stream": "a.wav",
    "edit": "a.wav",
} | {
    "timestamps": "a.srt",
    "report": "report.html",
    "benchmark": "b.json",
    "evaluate": "e.json",
}
FOLDERS = {"lines": "lines", "prepare": "shards", "export": "voice", "convert": "mlx", "quantize": "small"}


def fails(name: str, inputs: Path, out: Path, said: Path, **environment: str) -> str:
    """The one sentence of a command that cannot write."""
    code, text = run(*words(name, inputs, out), said, **{"NANOSPEECH_DATA": str(out / "data")} | environment)
    assert code == 1 and "Traceback" not in text, text
    lines = [
        line for line in text.splitlines() if "cannot" in line or "mount point" in line or " is " in line
    ]
    assert lines, text
    return lines[-1]


@pytest.mark.parametrize("name", [*COMMANDS, "train"])
def test_a_read_only_disk(name, inputs, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        (disk / "old").write_text("old")
        write_protect(disk)
        if name == "train":
            config = runs.write(runs.tiny(inputs / "s.tar", disk / "run"), tmp_path / "c.json")
            code, said = run("nanospeech_torch.train", [config], tmp_path / "said.txt")
            assert code == 1 and "Traceback" not in said
        else:
            said = fails(name, inputs, disk, tmp_path / "said.txt")
        assert "ead-only" in said and str(disk) in said
        assert contents(disk) == {"old": b"old"}


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file(name, inputs, tmp_path):
    (tmp_path / "out" / FILES[name]).mkdir(parents=True)
    said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
    assert f"cannot write {tmp_path / 'out' / FILES[name]}: it is a folder" in said
    assert not contents(tmp_path / "out")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_in_place_of_a_folder(name, inputs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / FOLDERS[name]).write_text("old")
    said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
    assert str(tmp_path / "out" / FOLDERS[name]) in said
    assert contents(tmp_path / "out") == {FOLDERS[name]: b"old"}


@pytest.mark.parametrize("name", ["wav", "stream", "edit", "timestamps", "evaluate"])
@pytest.mark.parametrize("parent", [True, False])
def test_a_dangling_link(name, parent, inputs, tmp_path):
    """It is followed, if there is a folder where it leads."""
    (tmp_path / "out").mkdir()
    target = tmp_path / "elsewhere" / "target"
    if parent:
        target.parent.mkdir()
    link = tmp_path / "out" / FILES[name]
    link.symlink_to(target)
    if parent:
        code, said = run(*words(name, inputs, tmp_path / "out"), tmp_path / "said.txt")
        assert code == 0 and target.is_file(), said
    else:
        said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
        assert f"there is no folder {target.parent}" in said
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["wav", "flac", "stream", "edit", "timestamps"])
def test_a_pipe(name, inputs, tmp_path):
    (tmp_path / "out").mkdir()
    pipe, read = tmp_path / "out" / FILES[name], []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    code, said = run(*words(name, inputs, tmp_path / "out"), tmp_path / "said.txt")
    reader.join(10)
    assert code == 0 and stat.S_ISFIFO(os.stat(pipe).st_mode), said
    assert read and len(read[0]) > 30


@pytest.mark.parametrize("name", ["wav", "flac", "stream", "edit", "timestamps", "benchmark"])
@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_a_device(name, device, inputs, tmp_path):
    if not os.path.exists(device):
        pytest.skip(f"there is no {device}")
    (tmp_path / "out").mkdir()
    place = tmp_path / "out" / FILES[name]
    place.symlink_to(device)
    if device == "/dev/null":
        code, said = run(*words(name, inputs, tmp_path / "out"), tmp_path / "said.txt")
        assert code == 0, said
    else:
        said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
        assert "No space left on device" in said
    assert place.is_symlink() and stat.S_ISCHR(os.stat(device).st_mode)


@pytest.mark.parametrize("name", ["lines", "prepare", "export", "convert", "quantize"])
def test_a_folder_that_is_a_mount_point(name, inputs, tmp_path):
    """Such as a container's volume. Files are written into it, but it cannot be replaced as a whole."""
    (tmp_path / "out").mkdir()
    with small_disk(tmp_path / "out" / FOLDERS[name]) as disk:
        if name in ("lines", "prepare"):
            code, said = run(*words(name, inputs, tmp_path / "out"), tmp_path / "said.txt")
            assert code == 0 and contents(disk), said
            return
        said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
        assert f"cannot write {disk}: it is a mount point: name a folder in it" in said
        assert not contents(disk) and os.listdir(tmp_path / "out") == [FOLDERS[name]]


@pytest.mark.parametrize("name", ["wav", "edit", "benchmark"])
def test_a_file_that_is_a_mount_point(name, inputs, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        (disk / "old").write_text("old")
        (tmp_path / "out").mkdir()
        place = tmp_path / "out" / FILES[name]
        place.touch()
        bind(disk / "old", place)
        try:
            said = fails(name, inputs, tmp_path / "out", tmp_path / "said.txt")
            assert f"cannot write {place}: it is a mount point" in said and place.read_text() == "old"
        finally:
            os.system(f"umount {place}")
        assert os.listdir(tmp_path / "out") == [FILES[name]]


def test_a_run_whose_folder_is_a_mount_point(inputs, tmp_path):
    with small_disk(tmp_path / "run"):
        config = runs.write(runs.tiny(inputs / "s.tar", tmp_path / "run"), tmp_path / "c.json")
        code, said = run("nanospeech_torch.train", [config], tmp_path / "said.txt")
        assert code == 0, said
