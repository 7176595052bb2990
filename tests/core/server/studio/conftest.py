"""The studio in a browser."""

import re

import pytest


@pytest.fixture(scope="module")
def chromium():
    browsers = pytest.importorskip("browsers")
    with browsers.browser() as one:
        yield one


@pytest.fixture
def studio(chromium, server):
    """The page, opened; what it complains about, or asks of others, fails the test."""
    import browsers

    one = browsers.Page(chromium)
    one.page.goto(server.url)
    one.page.wait_for_selector("#speak[data-ready]")
    yield one
    one.context.close()
    assert one.complaints == []
    assert all(url.startswith((server.url + "/", "blob:" + server.url)) for url in one.urls), one.urls


@pytest.fixture
def said(studio):
    """Speaks a text and waits for its end."""
    from browsers import api

    def speak(text: str):
        studio.page.fill("#text", text)
        studio.page.click("#speak")
        api.expect(studio.page.locator("#status")).to_have_text(re.compile("^Spoken: "))
        return studio.page

    return speak
