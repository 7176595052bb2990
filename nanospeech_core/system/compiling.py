"""What compiled functions need of any framework: few shapes, and a count of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

# Shapes are rounded up to these: a function is compiled anew for each shape that it meets.
TOKENS, ROWS = 32, 8  # of a batch of utterances; of the tokens that an iteration draws


class ByShape:
    """A function that its framework compiles for each shape of its arguments; the shapes are counted."""

    def __init__(self, function: Callable):
        self.function = function
        self.met: Counter = Counter()  # calls, by shape

    def __call__(self, *arguments: Any) -> Any:
        self.met[shape(arguments)] += 1
        return self.function(*arguments)

    @property
    def misses(self) -> int:
        """Calls that had to compile."""
        return len(self.met)

    @property
    def hits(self) -> int:
        """Calls that found it compiled."""
        return sum(self.met.values()) - self.misses


def shape(value: Any) -> Any:
    """Shape and type of an array; of a list or tuple those of its parts; of anything else, itself."""
    if isinstance(value, (list, tuple)):
        return tuple(map(shape, value))
    return (tuple(value.shape), value.dtype) if hasattr(value, "shape") else value
