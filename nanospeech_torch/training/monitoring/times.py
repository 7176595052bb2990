"""When a run validates and writes samples: every so many steps, and by the clock, at first more often."""

from __future__ import annotations

FIRST = 120.0  # seconds of training until the first
SHARE = 0.05  # of the training time, at most, that is spent on what the clock asks for


class Times:
    """When something is due.

    By the clock it is due after 2 minutes of training, then after 4, 8, 16, ..., until `minutes` lie between
    two. Something that takes long is due less often.

    Args:
        steps: it is also due at multiples of this step; 0: never, by the clock neither.
        minutes: of training, the longest time between two; 0: only the steps count.
        seconds: of training so far.
    """

    def __init__(self, steps: int, minutes: float, seconds: float) -> None:
        self.steps, self.longest = steps, 60 * minutes
        self.next = max(FIRST, seconds + min(seconds, self.longest))

    def is_due(self, step: int, seconds: float, done: bool) -> bool:
        """Whether it is due after a step, when the run has trained for `seconds`. At its end it always is."""
        by_clock = self.longest > 0 and seconds >= self.next
        return self.steps > 0 and (done or step % self.steps == 0 or by_clock)

    def took(self, seconds: float, cost: float) -> None:
        """Note that it was done after `seconds` of training, and took `cost` seconds."""
        self.next = seconds + max(FIRST, min(seconds, self.longest), cost / SHARE)
