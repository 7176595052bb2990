"""Compiled functions in any framework: few shapes, and a count of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

# Shapes are rounded up to multiples of these: a function is compiled again for each new shape.
TOKENS, ROWS = 64, 32  # of a batch of utterances; of the tokens that an iteration samples


# Held while a compiled function runs: neither framework promises that several threads may compile.
_lock = threading.Lock()


class ByShape:
    """A function that is compiled once per shape of its arguments; counts the shapes. Threads take turns."""

    def __init__(self, function: Callable):
        self.function = function
        self.calls: Counter = Counter()  # by shape

    def __call__(self, *arguments: Any) -> Any:
        with _lock:
            self.calls[shape(arguments)] += 1
            return self.function(*arguments)

    @property
    def misses(self) -> int:
        """Calls with a new shape, which compile."""
        return len(self.calls)

    @property
    def hits(self) -> int:
        """Calls with a known shape."""
        return sum(self.calls.values()) - self.misses


def shape(value: Any) -> Any:
    """Shape and dtype of an array; of a list or tuple, those of its items; any other value itself."""
    if isinstance(value, (list, tuple)):
        return tuple([shape(item) for item in value])
    own = getattr(value, "shape", None)
    return value if own is None else (tuple(own), value.dtype)
