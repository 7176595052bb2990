"""The studio in a browser: speaking, what it shows and saves, errors, keys, narrow screens."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

servers = pytest.importorskip("servers")
browsers = pytest.importorskip("browsers")

import soundfile
from browsers import Page, api

from nanospeech_core.sampling.options import SAMPLING
from nanospeech_core.server.service import Service

TEXT = "The kettle is on, and our bread was warm."
pytestmark = pytest.mark.slow


def test_the_speech_is_the_servers_and_its_words_are_marked_while_it_plays(studio, server):
    page = studio.page
    page.fill("#text", TEXT)
    page.select_option("#voice", "emma")
    page.fill("#option-seed", "5")
    page.locator("#option-seed").blur()
    page.evaluate(
        """() => { window.marked = [];
        const note = () => document.querySelectorAll(".spoken").forEach((e) => marked.push(e.textContent));
        new MutationObserver(note).observe(document.getElementById("words"), {
            subtree: true, attributeFilter: ["class"] }); }"""
    )
    page.click("#speak")
    page.wait_for_selector("#words button.spoken")
    assert page.locator("#playhead").is_visible()
    api.expect(page.locator("#status")).to_have_text(re.compile("^Spoken"))
    api.expect(page.locator("#play")).to_have_text("Play")  # at the end
    assert page.locator("#words button.spoken").count() == 0 and page.locator("#playhead").is_hidden()
    marked = list(dict.fromkeys(page.evaluate("() => window.marked")))
    assert len(marked) >= 4 and marked[-1] == "warm."
    assert marked == [word for word in TEXT.split() if word in marked]  # in order
    wave, rate = soundfile.read(io.BytesIO(studio.download("#save-audio")), dtype="int16")
    expected = server.speak(input=TEXT, voice="emma", seed=5, response_format="pcm").content
    assert rate == 24000 and wave.tobytes() == expected


def test_the_controls_are_the_options_of_the_server(studio):
    names = studio.page.locator(".option label").all_text_contents()
    assert set(names) == {*SAMPLING, "lang"} - {"use_diffusion"}
    assert names[:4] == ["speed", "temperature", "num_iter", "seed"]
    page = studio.page
    page.click("summary:has-text('More settings')")
    api.expect(page.locator("#option-steps")).to_be_hidden()  # masked decoding does not read it
    page.select_option("#option-sampler", "ode")
    api.expect(page.locator("#option-steps")).to_be_visible()
    api.expect(page.locator("#option-num_iter")).to_be_hidden()
    with page.expect_request("**/v1/audio/speech") as spoken:
        page.click("#speak")
    body = spoken.value.post_data_json
    assert body["sampler"] == "ode" and "num_iter" not in body and "speed" not in body
    page.click("#reset-options")
    assert page.input_value("#option-sampler") == "masked"


def test_the_spectrogram_and_the_waveform_are_drawn(studio, said):
    page = said(TEXT)
    page.wait_for_selector("#timeline[data-mel]")
    label = page.locator("#view").get_attribute("aria-label")
    assert label.startswith("Waveform and spectrogram of 9 words")
    drawn = page.evaluate(
        """() => { const view = document.getElementById("view");
        const ratio = view.height / 286;
        const all = view.getContext("2d").getImageData(0, 0, view.width, view.height).data.buffer;
        const colors = (top, height) => new Set(new Uint32Array(
            all, 4 * view.width * Math.floor(top * ratio), view.width * height)).size;
        return [colors(44, 76), colors(126, 130)]; }"""
    )
    assert drawn[0] >= 2 and drawn[1] > 100
    width = page.locator("#track").bounding_box()["width"]
    page.click("#zoom-in")
    assert page.locator("#track").bounding_box()["width"] == pytest.approx(1.5 * width, abs=2)


@pytest.mark.parametrize("stream", [False, True])
def test_the_reveal_order_is_played(studio, said, stream):
    page = said("Good morning.")
    page.set_checked("#reveal-stream", stream)
    with page.expect_response("**/v1/audio/reveals") as answer:
        page.click("#show-reveal")
    (segment,) = json.loads(answer.value.body())["segments"]
    count, tokens = len(segment["iterations"]), segment["tokens"]
    last = len(segment["iterations"][-1]["tokens"])
    api.expect(page.locator("#reveal-text")).to_contain_text(
        f"Iteration {count} of {count}: {last} tokens; {tokens} of {tokens} are there"
    )
    api.expect(page.locator("#animate")).to_have_text("Play")
    page.fill("#iteration", "0")
    api.expect(page.locator("#reveal-text")).to_contain_text(f"{tokens} tokens are hidden")


@pytest.mark.parametrize("name", ["flac", "mp3", "opus", "aac", "pcm"])
def test_every_format_is_saved(studio, said, name):
    said("Good morning.")
    studio.page.select_option("#format", name)
    data = studio.download("#save-audio")
    beginnings = {"flac": b"fLaC", "mp3": b"\xff", "opus": b"OggS", "aac": b"\xff\xf1", "pcm": b""}
    assert data.startswith(beginnings[name]) and len(data) > 2000


def test_times_are_saved(studio, said):
    said(TEXT)
    times = json.loads(studio.download(".save-times[data-format=json]"))
    assert [w["text"] for s in times["sentences"] for w in s["words"]] == TEXT.split()
    assert set(times["sentences"][0]["words"][0]) == {"text", "start", "end", "phones"}
    assert studio.download(".save-times[data-format=srt]").decode().startswith("1\n00:00:00,")
    assert studio.download(".save-times[data-format=vtt]").decode().startswith("WEBVTT\n")


def test_errors_are_shown_as_text_and_the_last_speech_stays(studio, said):
    page = said("Good morning.")
    for text, message in (
        ("[voice: nobody] Hello.", "nobody"),
        ("...", "nothing to speak"),
        (" ", "Write a text"),
        ("[tomato](/qqq!!7/)", "is not a phoneme"),
        ("x" * 5000, "4096"),
    ):
        page.fill("#text", text)
        page.click("#speak")
        api.expect(page.get_by_role("alert")).to_contain_text(message)
        api.expect(page.locator("#speak")).to_have_text("Speak")
        assert page.locator("#words button").all_inner_texts() == ["Good", "morning."]
    page.fill("#text", "Hello.")
    page.click("#speak")
    api.expect(page.locator("#words button")).to_have_text(["Hello."])
    api.expect(page.locator("#error")).to_be_hidden()


def test_speech_is_stopped(studio, server):
    page = studio.page
    page.fill("#text", "This is a long text with many words in it. " * 60)
    page.click("#speak")
    page.wait_for_selector("#words button.spoken")
    page.click("#speak")
    api.expect(page.locator("#status")).to_have_text("Stopped.")
    api.expect(page.locator("#speak")).to_have_text("Speak")
    for _ in range(200):
        if not server.service.model.jobs:
            break
        page.wait_for_timeout(50)
    assert server.service.model.jobs == []


def test_a_key_is_asked_for(chromium, embedded):
    with servers.running(Service(lambda: embedded), api_key="secret") as guarded:
        one = Page(chromium)
        page = one.page
        page.goto(guarded.url)
        for key in ("wrong", "secret"):
            api.expect(page.locator("#key-dialog")).to_be_visible()
            page.fill("#key", key)
            page.keyboard.press("Enter")
            if key == "wrong":
                api.expect(page.locator("#key-wrong")).to_be_visible()
        page.wait_for_selector("#speak[data-ready]")
        page.fill("#text", "Good morning.")
        page.click("#speak")
        api.expect(page.locator("#status")).to_have_text(re.compile("^Spoken"))
        one.context.close()
        assert one.complaints == []


ENCODINGS = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_wav_is_read_to_the_sample(studio, encoding):
    wave = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    file = io.BytesIO()
    soundfile.write(file, wave, 22050, format="WAV", subtype=encoding)
    read = studio.page.evaluate(
        """async (bytes) => { const { readWav } = await import("/studio/audio.js");
        const { rate, channels } = readWav(Uint8Array.from(bytes).buffer);
        return { rate, channels: channels.map((each) => Array.from(each)) }; }""",
        list(file.getvalue()),
    )
    expected = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0]
    assert read["rate"] == 22050 and np.array_equal(np.float32(read["channels"]).T, expected)


def test_a_speech_that_breaks_off_is_said_and_the_last_one_stays(studio, said, embedded, monkeypatch):
    page = said("Good morning.")
    speak = type(embedded).speak

    def breaks(self, text, *args, **options):
        yield next(iter(speak(self, text, *args, **options)))
        raise RuntimeError("broken")

    monkeypatch.setattr(type(embedded), "speak", breaks)
    page.fill("#text", "There are many words here. They will not all be heard, as it breaks off.")
    page.click("#speak")
    api.expect(page.get_by_role("alert")).to_contain_text("The speech broke off")
    assert page.locator("#words button").all_inner_texts() == ["Good", "morning."]
    assert all("INCOMPLETE" in complaint for complaint in studio.complaints)  # the browser's own note of it
    studio.complaints.clear()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page_and_all_has_a_name(chromium, server, width):
    one = Page(chromium, width)
    page = one.page
    page.goto(server.url)
    page.wait_for_selector("#speak[data-ready]")
    page.fill("#text", TEXT)
    page.click("#speak")
    api.expect(page.locator("#status")).to_have_text(re.compile("^Spoken"))
    page.locator("#words button").nth(1).click()
    page.click("summary:has-text('More settings')")
    page.click("#pronunciation summary")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, canvas")].filter((each) =>
        !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length))
        .map((each) => each.id)"""
    )
    assert nameless == []
    one.context.close()


def test_the_themes_differ_and_text_can_be_read_in_both(studio, said):
    page = said(TEXT)
    lightness = {}
    for theme in ("light", "dark"):
        page.select_option("#theme", theme)
        colors = page.evaluate(
            """() => ["body", ".help", "#error", "#speak"].map((name) => {
            const style = getComputedStyle(document.querySelector(name));
            const behind = getComputedStyle(document.querySelector(name === ".help" ? "section" : name));
            const numbers = (color) => color.match(/\\d+/g).slice(0, 3).map(Number);
            return [style.color, behind.backgroundColor].map(numbers); })"""
        )
        for ink, back in colors:
            assert contrast(ink, back) >= 4.5, (theme, ink, back)
        lightness[theme] = sum(colors[0][1])
    assert lightness["dark"] < 150 < 600 < lightness["light"]
    page.reload()
    page.wait_for_selector("#speak[data-ready]")
    assert page.input_value("#theme") == "dark"


def contrast(one: list[int], other: list[int]) -> float:
    """The ratio of WCAG 2."""

    def luminance(color: list[int]) -> float:
        parts = np.array(color) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
