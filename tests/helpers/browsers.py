"""A headless Chromium for tests of pages, by Playwright; they are skipped where one of the two is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"]
SECONDS = 60  # that something may take: machines of CI are slow


def executable() -> str:
    """The installed Chromium; `CHROMIUM` names another."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return found


@contextmanager
def browser() -> Iterator[api.Browser]:
    """A started browser."""
    api.expect.set_options(timeout=SECONDS * 1000)
    with api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield one
        one.close()


class Page:
    """A page in a fresh profile, with what it complained about and asked for.

    Attributes:
        page: Playwright's.
        complaints: errors of scripts and of the console.
        urls: that it has requested.
    """

    def __init__(self, one: api.Browser, width: int = 1280, **context):
        size = {"width": width, "height": 900}
        self.context = one.new_context(viewport=size, accept_downloads=True, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.complaints: list[str] = []
        self.urls: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("request", lambda request: self.urls.append(request.url))

    def _console(self, message: api.ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of" not in message.text:  # not of an answer
            self.complaints.append(message.text)

    def download(self, selector: str) -> bytes:
        """The file that a button saves."""
        with self.page.expect_download() as waiting:
            self.page.click(selector)
        with open(waiting.value.path(), "rb") as file:
            return file.read()
