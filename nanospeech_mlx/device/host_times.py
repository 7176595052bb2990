"""How long Python works for a sentence before a device computes anything.

A GPU waits during that time. The text is spoken once; then again and again without evaluating a graph: what
was read from the device in the first run is given out again. The CPU time of the thread is measured, so that
it needs no idle machine.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any


class Clock:
    """CPU time of the thread, by part; a part's time is without that of the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def run(self, part: str, function: Callable[[], Any]) -> Any:
        started = time.thread_time()
        self._inner.append(0.0)
        try:
            return function()
        finally:
            elapsed = time.thread_time() - started
            self.seconds[part] += elapsed - self._inner.pop()
            if self._inner:
                self._inner[-1] += elapsed


def timed(clock: Clock, part: str, function: Callable) -> Callable:
    """A function whose time is counted; if it returns an iterator, that of each item too."""

    def steps(iterator: Iterator) -> Iterator:
        done = object()
        while (item := clock.run(part, lambda: next(iterator, done))) is not done:
            yield item

    def call(*arguments: Any, **options: Any) -> Any:
        result = clock.run(part, lambda: function(*arguments, **options))
        return steps(result) if hasattr(result, "__next__") else result

    return call


@contextmanager
def replaced(owner: Any, name: str, function: Callable) -> Iterator[None]:
    """An attribute that is another function inside the block."""
    original = getattr(owner, name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        setattr(owner, name, original)


def host_times(model: Any, text: str, runs: int = 50, **options: Any) -> dict[str, float]:
    """Median seconds of each part of a call of `generate`, and of "all".

    model: `Nanospeech`; options: of `generate`. Texts of one segment, without [pause], can be measured.
    """
    import mlx.core as mx

    from nanospeech_core import pipeline
    from nanospeech_core.synthesis import segments
    from nanospeech_core.synthesis.assembly import SpeechAssembler
    from nanospeech_core.system.lazy import LazySequence

    cls, clock, read = type(model), Clock(), []
    parts = (
        (pipeline, "prepare_text", "front end"),
        (LazySequence, "__getitem__", "front end"),
        (LazySequence, "has", "front end"),
        (segments, "make_segments", "prompt"),
        (cls, "predict_frames", "durations"),
        (cls, "sample_steps", "noise, order"),
        (cls, "masked_steps", "iterations"),
        (cls, "ode_steps", "iterations"),
        (cls, "decode", "vocoder"),
        (cls, "decode_tokens", "vocoder"),
        (SpeechAssembler, "assemble", "assembly"),
    )
    original = cls.array

    def keep(self: Any, tensor: Any) -> Any:
        read.append(original(self, tensor))
        return read[-1]

    model.generate(text, **options)
    with replaced(cls, "array", keep):
        model.generate(text, **options)
    results = []
    with ExitStack() as stack:
        for name in ("eval", "async_eval"):
            stack.enter_context(replaced(mx, name, lambda *arrays: None))
        for owner, name, part in parts:
            if hasattr(owner, name):
                stack.enter_context(replaced(owner, name, timed(clock, part, getattr(owner, name))))
        for _ in range(runs):
            values = iter(read)
            with replaced(cls, "array", lambda self, tensor: next(values)):  # noqa: B023
                clock.seconds.clear()
                clock.run("rest", lambda: model.generate(text, **options))
            results.append(dict(clock.seconds))
    names = dict.fromkeys(name for result in results for name in result)
    times = {name: median(result.get(name, 0.0) for result in results) for name in names}
    return times | {"all": median(sum(result.values()) for result in results)}
