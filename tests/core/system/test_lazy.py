"""Sequences that are read as far as they are needed."""

import itertools

import pytest

from nanospeech_core.system.lazy import LazySequence


def test_items_are_made_when_they_are_asked_for():
    made: list[int] = []
    items = LazySequence(made.append(i) or i for i in range(5))
    assert not made and items and made == [0]
    assert items.has(1) and made == [0, 1] and items[1] == 1
    assert [next(iter(items)), *itertools.islice(items, 2)] == [0, 0, 1] and made == [0, 1]
    assert not items.has(5) and list(items) == made == [0, 1, 2, 3, 4]


def test_all_items():
    items = LazySequence(iter("abc"))
    assert (items[-1], len(items), items[2]) == ("c", 3, "c")
    with pytest.raises(IndexError):
        items[3]
    assert not LazySequence([]) and len(LazySequence([])) == 0
