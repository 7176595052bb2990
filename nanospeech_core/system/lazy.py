"""A sequence that is read from an iterator as far as it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LazySequence(Generic[Item]):
    """The items of an iterator, which are kept. Each is made when it is asked for."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._rest = iter(items)
        self._items: list[Item] = []

    def has(self, index: int) -> bool:
        """Whether there is an item `index`; makes the items up to it."""
        while index >= len(self._items):
            try:
                self._items.append(next(self._rest))
            except StopIteration:
                return False
        return True

    def __bool__(self) -> bool:
        """Whether there is an item; makes the first one."""
        return self.has(0)

    def __getitem__(self, index: int) -> Item:
        """The item; from the end where the index is below 0. Raises IndexError."""
        if index < 0 or not self.has(index):
            len(self)
        return self._items[index]

    def __iter__(self) -> Iterator[Item]:
        index = 0
        while self.has(index):
            yield self._items[index]
            index += 1

    def __len__(self) -> int:
        """The number of all items; makes them all."""
        self._items.extend(self._rest)
        return len(self._items)
