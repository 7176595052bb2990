"""Parts of an array: what each has, and that all are there once."""

import argparse

import pytest

from nanospeech_core.cluster.parts import Part, check_parts, numbers_of, part_argument
from nanospeech_core.errors import UserError


def test_arguments():
    assert part_argument("3/64") == Part(3, 64) and str(Part(3, 64)) == "3/64"
    for text in ("0/4", "5/4", "3", "3/", "a/b", "-1/4", "1/99999", "1.5/4", "1/2/3", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a part"):
            part_argument(text)


def test_each_item_is_in_one_part():
    parts = [Part(number, 3) for number in (1, 2, 3)]
    assert [[part.number for part in parts if part.has(i)] for i in range(5)] == [[1], [2], [3], [1], [2]]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1, 3), "part 2 of 3 is missing: run its job first"),
        ((2,), "parts 1 and 3 of 3 are missing: run their jobs first"),
        ((1, 2, 3, 2), "part 2/3 is there twice, in p2 and p2: name one"),
    ],
)
def test_what_is_wrong(numbers, message):
    with pytest.raises(UserError) as caught:
        check_parts([(Part(number, 3), f"p{number}") for number in numbers])
    assert str(caught.value) == message


def test_parts_of_two_arrays():
    found = [(Part(1, 2), "a"), (Part(2, 2), "b"), (Part(1, 3), "c")]
    with pytest.raises(UserError, match="c is part 1/3, and others are of 2"):
        check_parts(found)
    check_parts(found[:2])


def test_many_numbers():
    assert numbers_of([2]) == "part 2" and numbers_of([4, 2, 3]) == "parts 2, 3 and 4"
    assert numbers_of(range(1, 63)) == "parts 1, 2, 3, 4, 5, 6, 7, 8, ... (62 in all)"
