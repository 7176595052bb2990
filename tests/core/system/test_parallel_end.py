"""The end of the process while daemon threads compute."""

import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from commands import environment

from nanospeech_core.system import parallel


@pytest.fixture
def end(monkeypatch):
    """What happens at the end of a process, so that this one goes on."""
    monkeypatch.setattr(parallel, "_end", end := parallel._End())
    monkeypatch.setattr(parallel.atexit, "register", lambda function: None)
    return end


def in_thread(function) -> threading.Thread:
    def quiet():
        with suppress(SystemExit):  # pytest would report it
            function()

    thread = threading.Thread(target=quiet, daemon=True)
    thread.start()
    return thread


def test_the_end_waits_for_what_computes_and_ends_the_threads(end):
    began, finish, steps = threading.Event(), threading.Event(), []

    @parallel.computes
    def chunks():
        while True:
            steps.append(threading.current_thread())
            began.set()
            finish.wait(10)
            yield

    def listen():
        for _ in chunks():
            pass

    thread = in_thread(listen)
    assert began.wait(10)
    ending = in_thread(end.come)
    time.sleep(0.05)
    assert ending.is_alive() and thread.is_alive()
    finish.set()
    ending.join(10)
    assert not ending.is_alive() and not thread.is_alive()
    assert len(steps) == 1 and not end.computing  # it was told before its second step
    next(chunks())  # the main thread may speak in a function of atexit


def test_a_step_of_a_function_that_computes_is_told_of_the_end(end):
    began, told = threading.Event(), []

    @parallel.computes
    def whole():
        try:
            while True:
                began.set()
                parallel.check_end()
                time.sleep(0.001)
        except SystemExit as stop:
            told.append(stop)
            raise

    thread = in_thread(whole)
    assert began.wait(10)
    end.come()
    assert not thread.is_alive() and told


def test_the_end_does_not_wait_for_long(end, monkeypatch):
    """Neither for a step that hangs, nor for a thread that waits for its next work."""
    monkeypatch.setattr(parallel, "_end", end := parallel._End())
    monkeypatch.setattr(parallel.atexit, "register", lambda function: None)
    monkeypatch.setattr(parallel, "END_SECONDS", 0.2)
    began, finish = threading.Event(), threading.Event()

    @parallel.computes
    def hang():
        began.set()
        finish.wait(20)

    thread = in_thread(hang)
    assert began.wait(10)
    begin = time.monotonic()
    end.come()
    assert 0.2 <= time.monotonic() - begin < 10 and thread.is_alive()
    finish.set()


def test_one_thread_serves_in_order_and_ends():
    one = parallel.OneThread("one")
    names = [one.submit(lambda: threading.current_thread().name) for _ in range(3)]
    failed = one.submit(lambda: 1 // 0)
    assert [name.result(10) for name in names] == ["one"] * 3
    with pytest.raises(ZeroDivisionError):
        failed.result(10)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "one")
    del one
    thread.join(10)
    assert not thread.is_alive()


DAEMONS = """
import asyncio, importlib, threading
tts = importlib.import_module("nanospeech_{backend}").Nanospeech.from_pretrained()
text = "One two three four five. " * 20

async def listen():
    async for _ in tts.astream(text):
        begun.release()

def speak():
    begun.release()
    tts.generate(text)

def stream():
    for _ in tts.stream(text):
        begun.release()

begun = threading.Semaphore(0)
for work in (speak, stream, lambda: asyncio.run(listen())):
    def forever(work=work):
        while True:
            work()
    threading.Thread(target=forever, daemon=True).start()
for _ in range(8):
    begun.acquire()
print("end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_a_process_ends_in_peace_while_daemon_threads_speak(backend):
    """They are not ended in the middle of C++ code, which would abort the process; they print nothing."""
    pytest.importorskip({"mlx": "mlx.core", "torch": "torch"}[backend])
    run = subprocess.run(
        [sys.executable, "-c", DAEMONS.format(backend=backend)],
        capture_output=True,
        text=True,
        timeout=180,
        env=environment(),
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "end\n", "")


ASYNC_AFTER_MAIN = """
import asyncio, threading, time
from nanospeech_core.pipeline import Pipeline

class Fake(Pipeline):
    def stream(self, text, voice=None, **options):
        for number in range(5):
            time.sleep(0.05)
            yield number

Fake.__abstractmethods__ = frozenset()

async def listen():
    print([chunk async for chunk in Fake().astream("Hi.")])

threading.Thread(target=lambda: asyncio.run(listen())).start()
"""


def test_an_asynchronous_stream_goes_on_after_the_main_thread():
    """A thread that is no daemon may go on; Python's pools of threads do not."""
    run = subprocess.run(
        [sys.executable, "-c", ASYNC_AFTER_MAIN],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert (run.stdout, run.stderr) == ("[0, 1, 2, 3, 4]\n", "")
