"""The studio in a browser: what changes a recording, and what stays as it was."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest

servers = pytest.importorskip("servers")
browsers = pytest.importorskip("browsers")

import soundfile
from browsers import api

TEXT = "The cat sat on the old mat."
pytestmark = pytest.mark.slow


def wav(data: bytes) -> np.ndarray:
    """The samples as they are stored."""
    return soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)[0]


def status(page, beginning: str) -> str:
    """What the page says, once it begins so."""
    line = page.locator("#status")
    api.expect(line).to_have_text(re.compile("^" + re.escape(beginning)))
    return line.inner_text()


def words(page) -> list[str]:
    return page.locator("#words button").all_inner_texts()


def unchanged(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """How many samples are the same at the begin, and at the end."""
    length = min(len(before), len(after))
    start = int(np.argmin(np.append((before[:length] == after[:length]).all(axis=1), False)))
    tail = int(np.argmin(np.append((before[::-1][:length] == after[::-1][:length]).all(axis=1), False)))
    return start, tail


def change(page, old: str, new: str) -> str:
    page.locator("#words button", has_text=old).click()
    assert page.input_value("#new-word") == old.strip(".,")
    page.fill("#new-word", new)
    page.click("#change")
    return status(page, "Changed")


def test_only_the_clicked_word_changes_and_undo_brings_it_back(studio, said):
    page = said(TEXT)
    before = wav(studio.download("#save-audio"))
    line = change(page, "cat", "dog")
    assert words(page) == ["The", "dog", "sat", "on", "the", "old", "mat."]
    assert page.input_value("#text") == TEXT.replace("cat", "dog")
    after = wav(studio.download("#save-audio"))
    start, tail = unchanged(before, after)
    told = [float(number) for number in re.findall(r"(\d+\.\d+) s", line)]
    assert told == pytest.approx([start / 24000, (len(after) - tail) / 24000], abs=0.006)
    assert 0 < start and tail > 0.55 * len(after) and start + tail < len(after)
    assert not np.array_equal(before, after)

    page.click("#undo")
    assert words(page)[1] == "cat" and page.input_value("#text") == TEXT
    assert np.array_equal(wav(studio.download("#save-audio")), before)
    page.locator("h2", has_text="Speech").click()
    page.keyboard.press("Control+Shift+z")
    api.expect(page.locator("#words button").nth(1)).to_have_text("dog")
    assert np.array_equal(wav(studio.download("#save-audio")), after)
    api.expect(page.locator("#redo")).to_be_disabled()


def test_the_keyboard_alone_changes_and_removes_a_word(studio, said):
    page = said(TEXT)
    page.locator("#words button").first.focus()
    for key in ("ArrowRight", "End", "ArrowLeft"):  # to "old"
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    api.expect(page.locator("#new-word")).to_be_focused()
    page.keyboard.type("red")  # the old word is selected
    page.keyboard.press("Enter")
    status(page, "Changed")
    assert words(page) == ["The", "cat", "sat", "on", "the", "red", "mat."]
    api.expect(page.locator("#words button").nth(5)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    api.expect(page.locator("#words button")).to_have_count(6)
    assert words(page) == ["The", "cat", "sat", "on", "the", "mat."]
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    api.expect(page.locator("#word-editor")).to_be_hidden()


def test_a_chinese_word_in_a_mixed_text(studio, said):
    page = said("I like tea. 今天天气很好。")
    page.locator("#words button", has_text="今").click()
    page.fill("#new-word", "明")
    page.click("#change")
    status(page, "Changed")
    assert "".join(words(page)) == "Iliketea.明天天气很好。"


def test_a_pause_is_dragged(studio, said):
    page = said("The kettle is on, and the bread is warm.")
    before = wav(studio.download("#save-audio"))
    handle = page.locator('.gap[data-word="3"]')  # after "on,"
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] - 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.move(x + 130, y, steps=5)
    asked = float(handle.locator("output").text_content().removesuffix(" s"))
    assert asked >= 0.4
    page.mouse.up()
    status(page, "Spoken")
    text = f"The kettle is on, [pause {asked:g}] and the bread is warm."
    api.expect(page.locator("#text")).to_have_value(text)
    after = wav(studio.download("#save-audio"))
    assert len(after) > len(before) + 0.3 * 24000
    times = json.loads(studio.download(".save-times[data-format=json]"))
    on, then = [w for s in times["sentences"] for w in s["words"]][3:5]
    assert on["text"] == "on," and then["start"] - on["end"] == pytest.approx(asked, abs=0.06)

    page.locator("#words button", has_text="on,").click()  # the same by the keyboard, once more
    page.fill("#pause", "0.2")
    page.click("#set-pause")
    api.expect(page.locator("#text")).to_have_value(text.replace(f"{asked:g}", "0.2"))
    status(page, "Spoken")
    page.click("#undo")
    assert np.array_equal(wav(studio.download("#save-audio")), after)


def test_a_word_changes_in_speech_with_a_pause(studio, said):
    page = said("Hello. [pause 0.6] The cat is here.")
    change(page, "cat", "dog")
    assert page.input_value("#text") == "Hello. [pause 0.6] The dog is here."


def test_a_recording_is_dropped_in_and_changed(studio, embedded, server):
    speech = embedded.generate(TEXT, voice="michael", seed=4)
    wave = np.repeat(speech, 2)
    stereo = np.stack([wave, 0.5 * wave], axis=1)
    file = io.BytesIO()
    soundfile.write(file, stereo, 48000, format="FLAC", subtype="PCM_16")
    page = studio.page
    page.set_input_files("#file", {"name": "me.flac", "mimeType": "audio/flac", "buffer": file.getvalue()})
    api.expect(page.locator("#open")).to_be_disabled()
    page.fill("#file-text", TEXT)
    page.click("#open")
    status(page, "Choose a word")
    assert page.locator(".gap").count() == 0
    before = soundfile.read(io.BytesIO(file.getvalue()), dtype="int16")[0]
    assert np.array_equal(wav(studio.download("#save-audio")), before)
    change(page, "mat.", "chair")
    after = wav(studio.download("#save-audio"))
    start, tail = unchanged(before, after)
    assert after.shape[1] == 2 and start > 0.6 * len(before) and start + tail < len(after)
    assert words(page)[-1] == "chair."


def test_without_a_recognizer_the_words_are_asked_for(studio, monkeypatch):
    from nanospeech_core.voices import recognition

    monkeypatch.setattr(recognition, "default_recognizer", lambda: None)
    file = io.BytesIO()
    soundfile.write(file, np.zeros(24000, np.int16), 24000, format="WAV")
    studio.page.set_input_files(
        "#file", {"name": "x.wav", "mimeType": "audio/wav", "buffer": file.getvalue()}
    )
    studio.page.click("#transcribe")
    api.expect(studio.page.locator("#error")).to_contain_text("give the text of the recording")


def test_a_pronunciation_is_heard_kept_and_used(studio, said):
    page = said("A tomato is red.")
    page.locator("#words button", has_text="tomato").click()
    page.click("#pronunciation summary")
    assert "m" in page.input_value("#phonemes")
    page.fill("#phonemes", "təmˈɑː")
    for symbol in ("t", "O"):
        page.locator("#palette button", has_text=re.compile(f"^{symbol}$")).click()
    assert page.input_value("#phonemes") == "təmˈɑːtO"
    with page.expect_request("**/v1/audio/speech") as heard:
        page.click("#hear")
    assert heard.value.post_data_json["input"] == "[tomato](/təmˈɑːtO/)"
    status(page, "Heard")
    page.click("#keep")
    api.expect(page.locator("#lexicon li")).to_contain_text("/təmˈɑːtO/")
    status(page, "“tomato” is in the lexicon")
    with page.expect_request("**/v1/audio/speech") as spoken:
        page.click("#speak")
    assert spoken.value.post_data_json["lexicon"] == {"tomato": "təmˈɑːtO"}
    status(page, "Spoken")
    times = json.loads(studio.download(".save-times[data-format=json]"))
    word = times["sentences"][0]["words"][1]
    assert "".join(phone["text"] for phone in word["phones"]) == "təmˈɑːtO"

    page.locator("#words button", has_text="tomato").click()
    page.fill("#phonemes", "təmˈAɾO")
    page.click("#say-so")
    status(page, "Changed")
    assert page.input_value("#text") == "A [tomato](/təmˈAɾO/) is red." and words(page)[1] == "tomato"
    page.click("#lexicon button")
    api.expect(page.locator("#lexicon li")).to_have_count(0)
    page.locator("#words button", has_text="tomato").click()
    page.fill("#phonemes", "7")
    page.click("#hear")
    api.expect(page.get_by_role("alert")).to_contain_text("is not a phoneme of this model")
