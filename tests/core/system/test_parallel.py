"""Sentences made ahead, in threads."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import write_checkpoint

from nanospeech_core.system.parallel import Abandoned, ahead, cpus

TEXT = (
    "Here is the first of the sentences. Here is the second of them. A third, longer than all the others. "
    "And here is a fourth one."
)


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_results_are_in_order_and_the_first_is_made_alone(workers):
    running, most, alone = set(), 0, []
    lock = threading.Lock()

    def square(x, abandoned):
        nonlocal most
        with lock:
            running.add(x)
            most = max(most, len(running))
            alone.append(len(running))
        time.sleep(0.002 * (5 - x % 5))
        with lock:
            running.remove(x)
        return x * x

    assert list(ahead(square, range(12), workers)) == [x * x for x in range(12)]
    assert alone[0] == 1 and most <= workers and (workers == 1 or most > 1)


@pytest.mark.parametrize("threads", [0, 1])
def test_where_no_thread_can_be_started_they_are_made_one_after_the_other(monkeypatch, threads):
    start, left = threading.Thread.start, iter([True] * threads)

    def limited(thread):
        if not next(left, False):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert list(ahead(lambda x, abandoned: x * x, range(6), 3)) == [0, 1, 4, 9, 16, 25]


def test_nothing_is_begun_before_the_first_is_asked_for_and_little_ahead():
    begun = []
    results = ahead(lambda x, abandoned: begun.append(x) or x, iter(range(100)), 3)
    assert begun == [] and next(results) == 0 and begun == [0]
    assert next(results) == 1
    time.sleep(0.05)
    assert max(begun) <= 3  # three workers: 1, 2 and 3
    results.close()


@pytest.mark.parametrize("end", ["closed", "raised"])
def test_what_nobody_waits_for_is_given_up(end):
    stopped, others = [], threading.Event()

    def wait(x, abandoned):
        if x == 1 and end == "raised":
            assert others.wait(10)
            raise ValueError("one")
        if x > 1:
            others.set()
            assert abandoned.wait(10)
            stopped.append(x)
            raise Abandoned
        return x

    results = ahead(wait, range(9), 3)
    assert next(results) == 0
    if end == "closed":
        assert next(results) == 1
        assert others.wait(10)
        results.close()
    else:
        with pytest.raises(ValueError, match="one"):
            next(results)
    assert stopped  # before `close` returned: it waits


def ahead_threads() -> int:
    return sum(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_the_threads_are_used_again():
    """MLX keeps what it makes for a thread, so threads may not be made for each text."""
    assert list(ahead(lambda x, abandoned: x, range(9), 3)) == list(range(9))
    before = ahead_threads()
    for _ in range(50):
        results = ahead(lambda x, abandoned: x, range(9), 3)
        assert [next(results), next(results)] == [0, 1]
        results.close()
    assert ahead_threads() <= max(3, before)


def test_one_that_is_dropped_in_its_own_thread():
    """The garbage collector works in any thread. In one of the iterator's own it must not wait for itself."""
    iterators, drop, dropped = [], threading.Event(), threading.Event()

    def item(x, abandoned):
        if x == 2:
            assert drop.wait(10)
            iterators.clear()  # the last reference: closes it
            assert abandoned.is_set()
            dropped.set()
        return x

    iterators.append(ahead(item, range(9), 2))
    assert [next(iterators[0]), next(iterators[0])] == [0, 1]
    drop.set()
    assert dropped.wait(10)
    assert list(ahead(lambda x, abandoned: x, range(9), 2)) == list(range(9))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_has_threads_of_its_own():
    code = """
import os
from nanospeech_core.system.parallel import ahead
numbers = lambda: list(ahead(lambda x, abandoned: x, range(9), 3))
numbers()
child = os.fork()
if not child:
    print(numbers(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"{list(range(9))}\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_speech_is_the_same_by_any_number_of_workers(name, tmp_path):
    tts = Backend(name).module("nanospeech").Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    texts, options = [TEXT, "Hello. You there.", TEXT[:40]] * 3, {"use_diffusion": True, "num_iter": 2}
    waves, batches = [], []
    for workers in (1, 2, 4):
        tts.workers = workers
        steps = []
        waves.append(tts.speak(TEXT, progress=lambda *done, steps=steps: steps.append(done), **options))
        waves[-1] = np.concatenate([speech.wave for speech in waves[-1]])
        assert steps == [(done, 4) for done in range(5)]
        batches.append(dict(tts.generate_batch(texts, batch_size=2, **options)))
    for wave, batch in zip(waves[1:], batches[1:], strict=True):
        assert np.array_equal(wave, waves[0]) and batch.keys() == batches[0].keys()
        assert all(np.array_equal(batch[number], batches[0][number]) for number in batch)


@pytest.mark.slow
def test_mlx_makes_no_threads_for_each_text(tmp_path):
    """It starts one of its own for each thread that computes on a CPU."""
    psutil = pytest.importorskip("psutil")
    tts = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    tts.workers = 2
    counts = []
    for _ in range(4):
        for _ in range(5):
            tts.generate(TEXT, sampler="ode", steps=1)
        counts.append(psutil.Process().num_threads())
    assert counts[-1] <= counts[0] + 2  # 10 a round, before


def test_cpus_are_those_of_this_process():
    assert cpus() >= 1
