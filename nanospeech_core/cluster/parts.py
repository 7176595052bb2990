"""Parts of a piece of work, one for each job of an array, and the checks before they are joined."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import UserError

MOST_PARTS = 10_000
NAMED = 8  # numbers in a message


@dataclass(frozen=True, order=True)
class Part:
    """One of `count` parts; numbers begin with 1."""

    number: int
    count: int

    def has(self, index: int) -> bool:
        """Whether an item belongs to it. Items are dealt in turn; indices begin with 0."""
        return index % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def part_argument(text: str) -> Part:
    """A type of arguments: "3/64"."""
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]) <= MOST_PARTS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a part: the third of 64 is 3/64 (at most {MOST_PARTS} parts)"
        )
    return Part(int(match[1]), int(match[2]))


def check_parts(found: Sequence[tuple[Part, str]]) -> None:
    """Check that each part is there once.

    Args:
        found: (a part, where it is).
    Raises:
        UserError: parts are missing or doubled, or are of different numbers.
    """
    counts = Counter(part.count for part, _ in found)
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        part, place = next((part, place) for part, place in found if part.count != usual)
        raise UserError(
            f"{place} is part {part}, and others are of {usual}: join parts of one number, "
            "and delete or leave out the rest"
        )
    places: dict[int, str] = {}
    for part, place in found:
        if part.number in places:
            raise UserError(f"part {part} is there twice, in {places[part.number]} and {place}: name one")
        places[part.number] = place
    (count,) = counts or (0,)
    if missing := [number for number in range(1, count + 1) if number not in places]:
        one = len(missing) == 1
        raise UserError(
            f"{numbers_of(missing)} of {count} {'is' if one else 'are'} missing: "
            f"run {'its job' if one else 'their jobs'} first"
        )


def numbers_of(numbers: Iterable[int]) -> str:
    """ "part 3", "parts 3 and 4", "parts 1, 2, ... (62 in all)"."""
    words = [str(number) for number in sorted(numbers)]
    if len(words) == 1:
        return f"part {words[0]}"
    if len(words) > NAMED:
        return f"parts {', '.join(words[:NAMED])}, ... ({len(words)} in all)"
    return f"parts {', '.join(words[:-1])} and {words[-1]}"
