"""The two files of a voice belong together, at any moment."""

import json
import os
import shutil
import threading

import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.voices import voice_files
from nanospeech_core.voices.voice_files import read_files, remove_files, write_files

WAVES = [np.full(2400 * (n + 1), 0.1 * (n + 1), np.float32) for n in range(2)]


class Died(BaseException):
    """In place of kill -9: nothing is cleared up."""


def put(path, number: int) -> None:
    write_files(path, WAVES[number], {"text": str(number)}, lambda: None)


def number_of(path) -> int:
    meta, wave = read_files(path)
    (number,) = [n for n in range(2) if len(wave) == len(WAVES[n])]
    assert meta == {"text": str(number)}
    return number


def names(path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "voices" / "me.json"


def die_at(monkeypatch, call: int) -> None:
    """The process is killed before its nth change of a file; nothing clears up after it."""
    calls, replace, unlink = [], os.replace, os.unlink

    def count(do):
        def changed(*arguments, **named):
            calls.append(None)
            if len(calls) >= call:
                raise Died
            return do(*arguments, **named)

        return changed

    monkeypatch.setattr(os, "replace", count(replace))
    monkeypatch.setattr(os, "unlink", count(unlink))  # of pathlib too


@pytest.mark.parametrize("call", range(1, 9))
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_moment_of_writing(path, monkeypatch, call, before):
    if before:
        put(path, 0)
    with monkeypatch.context() as patch:
        die_at(patch, call)
        try:
            put(path, 1)
        except Died:
            pass
    if path.exists():
        assert number_of(path) in (0, 1)
    else:
        assert not before
    put(path, 1)
    assert number_of(path) == 1 and names(path) == ["me.flac", "me.json"]


@pytest.mark.parametrize("call", range(1, 6))
def test_killed_at_any_moment_of_removing(path, monkeypatch, call):
    put(path, 0)
    with monkeypatch.context() as patch:
        die_at(patch, call)
        try:
            remove_files(path)
        except Died:
            pass
    if path.exists():
        assert number_of(path) == 0
        remove_files(path)
    put(path, 1)
    remove_files(path)
    assert names(path) == []


def test_readers_see_one_voice_or_the_other(path):
    put(path, 0)
    done, seen, errors = threading.Event(), set(), []

    def read() -> None:
        while not done.is_set():
            try:
                seen.add(number_of(path))
            except BaseException as error:
                errors.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(100):
        put(path, n % 2)
    done.set()
    for reader in readers:
        reader.join(30)
    assert not errors and seen == {0, 1} and names(path) == ["me.flac", "me.json"]


def test_a_recording_that_its_owner_changed_is_used(path):
    put(path, 0)
    audio.write(path.with_suffix(".flac"), WAVES[1])
    assert len(read_files(path)[1]) == len(WAVES[1])


def test_files_without_a_checksum_are_read_and_removed(path):
    put(path, 0)
    meta = json.loads(path.read_text())
    del meta[voice_files.CHECKSUM]
    path.write_text(json.dumps(meta))
    assert number_of(path) == 0
    path.write_text("broken")
    remove_files(path)
    assert names(path) == []


def test_a_copy_of_both_files_is_a_voice(path, tmp_path):
    put(path, 0)
    (tmp_path / "copy").mkdir()
    for suffix in (".json", ".flac"):
        shutil.copy(path.with_suffix(suffix), tmp_path / "copy" / f"you{suffix}")
    assert number_of(tmp_path / "copy" / "you.json") == 0


def test_a_check_is_made_when_nobody_else_writes(path):
    def taken() -> None:
        raise UserError("taken")

    put(path, 0)
    with pytest.raises(UserError, match="taken"):
        write_files(path, WAVES[1], {"text": "1"}, taken)
    assert number_of(path) == 0 and names(path) == ["me.flac", "me.json"]


def test_names_that_begin_alike_are_left_alone(path):
    put(path, 0)
    put(path.with_name("me2.json"), 1)
    put(path, 0)
    remove_files(path)
    assert number_of(path.with_name("me2.json")) == 1
