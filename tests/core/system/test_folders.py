"""Folders are replaced as a whole, or not at all."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.system import folders
from nanospeech_core.system.folders import clear_up, replacing_folder
from nanospeech_core.system.locks import release, try_lock


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["exchanged", "two renames"], autouse=True)
def way(request, monkeypatch):
    """Both ways to replace a folder: not every file system can exchange two."""
    if request.param == "two renames":
        monkeypatch.setattr(folders, "exchange", lambda one, other: False)


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with replacing_folder(path) as inside:
            (inside / name).touch()
    assert names(path) == ["second"]
    with pytest.raises(ValueError), replacing_folder(path) as inside:
        (inside / "third").touch()
        raise ValueError
    assert names(path) == ["second"] and names(tmp_path) == ["folder"]


def test_who_may_read_a_folder_is_kept(tmp_path):
    (tmp_path / "folder").mkdir(mode=0o700)
    with replacing_folder(tmp_path / "folder") as inside:
        (inside / "x").touch()
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700


def test_a_folder_whose_replacement_was_killed_between_two_renames_comes_back(tmp_path):
    old = tmp_path / ".folder.0123abcd.old"
    old.mkdir()
    (old / "first").touch()
    with pytest.raises(ValueError), replacing_folder(tmp_path / "folder"):
        raise ValueError
    assert names(tmp_path / "folder") == ["first"] and names(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_deleted_and_what_is_being_written_stays(tmp_path):
    (tmp_path / ".folder.0123abcd.part").mkdir()
    (tmp_path / ".folder.part").mkdir()  # not ours
    busy = tmp_path / ".folder.0123abce.part"
    busy.mkdir()
    handle = try_lock(busy)
    try:
        clear_up(tmp_path / "folder")
    finally:
        release(handle)
    assert names(tmp_path) == [busy.name, ".folder.part"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    path, rename = tmp_path / "folder", os.rename
    path.mkdir()
    (path / "first").touch()
    monkeypatch.setattr(folders, "exchange", lambda one, other: False)

    def failing(source, target):
        if str(source).endswith(".part"):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(UserError, match="cannot write .*folder: No space left"):
        with replacing_folder(path) as inside:
            (inside / "second").touch()
    assert names(path) == ["first"] and names(tmp_path) == ["folder"]


def test_a_folder_that_came_meanwhile_is_only_replaced_if_it_may_be(tmp_path):
    path = tmp_path / "folder"
    with pytest.raises(UserError, match="folder exists: another process"):
        with replacing_folder(path, replace=False):
            path.mkdir()
            (path / "theirs").touch()
    assert names(path) == ["theirs"] and names(tmp_path) == ["folder"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(UserError, match="cannot write .*file: Not a directory"):
        with replacing_folder(tmp_path / "file"):
            pass
    assert (tmp_path / "file").read_text() == "old" and names(tmp_path) == ["file"]


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (".", tmp_path):
        with pytest.raises(UserError, match="it is the current folder"):
            with replacing_folder(path):
                pass


def test_a_mount_point_is_not_replaced():
    with pytest.raises(UserError, match="^cannot write /proc: it is a mount point: name a folder in it$"):
        with replacing_folder("/proc"):
            pass


def write_often(path: Path, number: int) -> None:
    for _ in range(30):
        with replacing_folder(path) as inside:
            for name in range(5):
                (inside / f"{number}-{name}").touch()


def test_several_processes_write_one_folder(tmp_path):
    """One is there whole at any moment, and nothing else is left."""
    path = tmp_path / "folder"
    write_often(path, 0)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_often, args=(path, number)) for number in range(3)]
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                handle = os.open(path, os.O_RDONLY)  # the same folder for both calls
            except FileNotFoundError:
                seen.add("none")
                continue
            seen.add(tuple(sorted(os.listdir(handle))))
            os.close(handle)

    reader = threading.Thread(target=read)
    for process in (*writers, reader):
        process.start()
    for process in writers:
        process.join(60)
    done.set()
    reader.join(10)
    assert [process.exitcode for process in writers] == [0, 0, 0]
    whole = {tuple(f"{number}-{name}" for name in range(5)) for number in range(3)}
    emptied = {()}  # an old folder that was opened before it was replaced
    assert whole & seen and names(tmp_path) == ["folder"] and tuple(names(path)) in whole
    if folders.exchange.__name__ == "exchange":
        assert "none" not in seen
    assert all(set(found) <= set().union(*whole) for found in seen - {"none"} - emptied)
    assert all(len({name.split("-")[0] for name in found}) == 1 for found in seen - {"none"} - emptied)
