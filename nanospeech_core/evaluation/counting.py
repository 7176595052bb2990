"""Counting the calls of a model's parts from outside, so that the models need not know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Calls:
    """Of one method or function."""

    calls: int = 0
    rows: int = 0  # of the batches that a method was called with, all together


@contextmanager
def counting(counted: Mapping[str, tuple[object, str]]) -> Iterator[dict[str, Calls]]:
    """Count calls while the block lasts.

    Calls inside a function that is compiled are seen only when it is traced.

    Args:
        counted: by the name of a count, a class or a module, and the name of its method or function. The
            first argument of a method is a batch.
    """
    counts = {name: Calls() for name in counted}
    originals = [(owner, name, getattr(owner, name)) for owner, name in counted.values()]
    try:
        for count, (owner, name, original) in zip(counts.values(), originals, strict=True):
            setattr(owner, name, _counter(original, count, isinstance(owner, type)))
        yield counts
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _counter(original: Callable, count: Calls, is_method: bool) -> Callable:
    def call(*args, **options):
        count.calls += 1
        if is_method:
            count.rows += args[1].shape[0]  # args[0] is self
        return original(*args, **options)

    return call
