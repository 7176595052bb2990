"""A generator that is taken in another thread each time, as web frameworks do: the same samples, no error."""

import asyncio
import functools
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import write_checkpoint

from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.prompt import Prompt

CHANGES = 50
TEXT = "Hello there, this is the first of the sentences, as long as most of them. "
STREAM = {"sampler": "masked", "num_iter": 2, "diffusion_steps": 2}
END = object()


@pytest.fixture(scope="module", params=NAMES)
def tts(request, tmp_path_factory):
    folder = write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained(folder)


def in_new_thread(function: Callable[[], Any]) -> Any:
    """The result of a function in a thread of its own, which has ended."""
    results: list = []

    def run() -> None:
        try:
            results.append((function(), None))
        except BaseException as error:
            results.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    ((value, error),) = results
    if error is not None:
        raise error
    return value


def taken(items: Iterator, do: Callable[[Callable[[], Any]], Any] = in_new_thread) -> list:
    """All items, each asked for by `do`: in another thread."""
    result = []
    while (item := do(functools.partial(next, items, END))) is not END:
        result.append(item)
    return result


def equal(ours: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return len(ours) == len(expected) > 1 and all(map(np.array_equal, ours, expected))


@pytest.mark.slow
def test_a_stream_of_fifty_chunks_and_threads(tts):
    text = TEXT * 16
    expected = list(tts.stream(text, **STREAM))
    assert len(expected) > CHANGES
    assert equal(taken(tts.stream(text, **STREAM)), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {**STREAM, "stream": True, "cfg": 2.0},
        {**STREAM, "stream": True, "num_iter": 30},  # several iterations a chunk
        {"sampler": "ode", "steps": 2, "stream": True},
        {"sampler": "ode", "steps": 2},  # sentences ahead in threads
        {"sampler": "refine", "num_iter": 2, "refine": 0.3, "steps": 2},
    ],
    ids=["guided", "iterations", "ode stream", "ode", "refine"],
)
def test_the_speech_of_any_sampler(tts, options):
    expected = [speech.wave for speech in tts.speak(TEXT * 3, **options)]
    assert equal([speech.wave for speech in taken(tts.speak(TEXT * 3, **options))], expected)


@pytest.mark.slow
@pytest.mark.parametrize("cfg", [1.0, 2.0])
@pytest.mark.parametrize(
    "own",
    [
        {"sampler": "masked", "num_iter": CHANGES},
        {"sampler": "ode", "steps": CHANGES},
        {"sampler": "refine", "refine": 0.9, "steps": CHANGES, "num_iter": CHANGES},
    ],
    ids=lambda own: own["sampler"],
)
def test_fifty_steps_of_a_sampler(tts, own, cfg):
    """Also what a step leaves unread: the estimates are read at the end, in another thread again."""
    channels = tts.config.transformer.patch * tts.config.transformer.mel_dim
    cond = np.random.default_rng(0).standard_normal((60, channels)).astype(np.float32)
    visible = np.arange(60) < 4
    ids = np.arange(60 * tts.config.transformer.patch) % 20
    prompt = Prompt(cond * visible[:, None], visible, ids)
    few = {} if own["sampler"] == "ode" else {"diffusion_steps": 2}
    options = GenerateOptions(cfg=cfg, **few, **own)

    def numbers(steps: list[tuple[Any, Any]]) -> list[np.ndarray]:
        return [tts.array(part) for step in steps for part in step]

    expected = numbers(list(tts.sample_steps([prompt], [3], options)))
    steps = taken(tts.sample_steps([prompt], [3], options))
    assert len(steps) >= CHANGES and equal(in_new_thread(lambda: numbers(steps)), expected)


@pytest.mark.slow
def test_batches(tts):
    texts, options = [TEXT, "Hello.", TEXT * 2] * 2, {"sampler": "ode", "steps": 1, "batch_size": 2}
    expected = dict(tts.generate_batch(texts, **options))
    found = dict(taken(tts.generate_batch(texts, **options)))
    assert found.keys() == expected.keys() and all(np.array_equal(found[n], expected[n]) for n in found)


@pytest.mark.slow
def test_asyncio_to_thread(tts):
    async def collect() -> list[np.ndarray]:
        chunks, result = tts.stream(TEXT * 3, **STREAM), []
        while (chunk := await asyncio.to_thread(next, chunks, END)) is not END:
            result.append(chunk)
        return result

    async def several() -> list[list[np.ndarray]]:
        return await asyncio.gather(*[collect() for _ in range(4)])

    expected = list(tts.stream(TEXT * 3, **STREAM))
    assert all(equal(chunks, expected) for chunks in asyncio.run(several()))


@pytest.mark.slow
def test_a_pool_of_threads_that_serves_several_streams(tts):
    """As Starlette iterates over generators: each chunk by whichever thread is free."""
    expected = list(tts.stream(TEXT * 3, **STREAM))
    with ThreadPoolExecutor(3) as pool, ThreadPoolExecutor(5) as clients:
        streams = [tts.stream(TEXT * 3, **STREAM) for _ in range(5)]
        found = clients.map(lambda chunks: taken(chunks, lambda ask: pool.submit(ask).result()), streams)
        assert all(equal(chunks, expected) for chunks in found)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["closed", "collected"])
def test_abandoned_ones_end_in_any_thread(tts, end):
    """By `close`, or by the garbage collector, which works in whichever thread it is called for."""
    expected = list(tts.stream(TEXT, **STREAM))
    for options in [{"stream": True, **STREAM}] * 4 + [{"sampler": "ode", "steps": 1}] * 4:
        speeches = tts.speak(TEXT * 4, **options)
        assert len(next(speeches).wave) and len(in_new_thread(lambda kept=speeches: next(kept).wave))
        if end == "closed":
            in_new_thread(speeches.close)
        else:
            cycle = [speeches]
            cycle.append(cycle)
            del speeches, cycle
            in_new_thread(gc.collect)
    assert equal(list(tts.stream(TEXT, **STREAM)), expected)
    assert equal(taken(tts.stream(TEXT, **STREAM)), expected)
