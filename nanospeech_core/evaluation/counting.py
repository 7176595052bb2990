"""Count the calls of functions and methods from outside, without changing the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# By the name of a count: a class or a module, and the name of its method or function.
Targets = Mapping[str, tuple[Any, str]]


@dataclass
class CallCount:
    """The calls of one method or function."""

    calls: int = 0
    rows: int = 0  # sum of the batch sizes of all calls of a method


@contextmanager
def count_calls(targets: Targets) -> Iterator[dict[str, CallCount]]:
    """Count calls inside the block.

    In a compiled function, calls are counted only while it is traced.

    Args:
        targets: what to count. If the first argument of a method is an array, it must be a batch.
    """
    counts = {name: CallCount() for name in targets}
    originals = [(owner, name, getattr(owner, name)) for owner, name in targets.values()]
    try:
        for count, (owner, name, original) in zip(counts.values(), originals, strict=True):
            setattr(owner, name, _counting(original, count, isinstance(owner, type)))
        yield counts
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _counting(original: Callable, count: CallCount, is_method: bool) -> Callable:
    def call(*args: Any, **options: Any) -> Any:
        count.calls += 1
        if is_method and hasattr(args[1], "shape"):  # args[0] is self
            count.rows += args[1].shape[0]
        return original(*args, **options)

    return call
