"""Which recordings belong to which part, where the jobs of an array share the work."""

from __future__ import annotations

from collections.abc import Sequence

from nanospeech_core.cluster.parts import Part

from .inputs import Input


class Deal:
    """What a part prepares of the inputs.

    Recordings are dealt in turn, so that all parts have about the same work. Shards and data sets have to be
    read to be divided; if there are as many of them as parts, or more, each is read by one part only.
    """

    def __init__(self, inputs: Sequence[Input], part: Part) -> None:
        self.part = part
        streamed = [number for number, found in enumerate(inputs) if found.kind in ("tar", "dataset")]
        whole = streamed if len(streamed) >= part.count else []
        self.whole = {number: part.has(place) for place, number in enumerate(whole)}

    def reads(self, number: int) -> bool:
        """Whether the part reads an input."""
        return self.whole.get(number, True)

    def has(self, number: int, index: int) -> bool:
        """Whether a recording, or a remark in its place, is the part's.

        Args:
            number: of the input, from 0.
            index: of the recording in it, from 0.
        """
        return self.whole[number] if number in self.whole else self.part.has(index)
