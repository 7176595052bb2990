"""A clock that a test moves by hand, for the modules under test only.

Replacing `time.monotonic` itself would stop every other thread that sleeps, such as a server of other tests.
"""

from __future__ import annotations

import time
from types import ModuleType, SimpleNamespace

import pytest


class Clock:
    """`now`: in seconds; call it for the time."""

    def __init__(self, now: float = 0.0):
        self.now = now

    def __call__(self) -> float:
        return self.now


def use_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock, *modules: ModuleType) -> None:
    """Let these modules, which `import time`, see the clock as `time.monotonic`."""
    for module in modules:
        monkeypatch.setattr(module, "time", SimpleNamespace(**{**vars(time), "monotonic": clock}))
