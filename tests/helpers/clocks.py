"""A clock that tests move by hand."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest


class Clock:
    """Stands for the module `time` in the modules under test.

    `time.monotonic` itself must stay as it is: the event loop of a server in another thread of this process
    waits by it. With a clock that shows less, it would sleep for hours.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType, now: float = 100.0):
        self.now = now
        for module in modules:
            monkeypatch.setattr(module, "time", self)

    def monotonic(self) -> float:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
