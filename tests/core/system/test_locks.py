"""Locks between processes and threads, which nobody keeps after its end."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.system import locks
from nanospeech_core.system.locks import locked, release, try_lock

pytest.importorskip("fcntl")


def test_the_second_is_told(tmp_path):
    with locked(tmp_path, "busy"):
        with pytest.raises(UserError, match="^busy$"), locked(tmp_path, "busy"):
            pass
        assert try_lock(tmp_path) is None
    with locked(tmp_path, "busy"):
        pass
    assert not locks._held


def test_or_waits(tmp_path):
    order = []

    def second() -> None:
        with locked(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path):
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def hold(folder, begun) -> None:
    with locked(folder, "busy"):
        worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        worker.start()
        begun.put(worker.pid)
        time.sleep(60)


def test_a_killed_process_gives_its_lock_back_though_its_workers_live(tmp_path):
    context = multiprocessing.get_context("fork")
    begun = context.Queue()
    process = context.Process(target=hold, args=(tmp_path, begun))
    process.start()
    worker = begun.get(timeout=30)
    try:
        assert try_lock(tmp_path) is None
        process.kill()
        process.join()
        os.kill(worker, 0)  # it lives
        handle = try_lock(tmp_path)
        assert handle is not None
        release(handle)
    finally:
        os.kill(worker, signal.SIGKILL)


def test_what_is_gone_cannot_be_locked(tmp_path):
    assert try_lock(tmp_path / "none") is None
    with pytest.raises(FileNotFoundError), locked(tmp_path / "none"):
        pass


def test_without_locks_everything_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with locked(tmp_path, "busy"), locked(tmp_path, "busy"):
        assert try_lock(tmp_path) is None
    release(None)
