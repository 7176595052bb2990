"""Alignments and conversions of recordings."""

from __future__ import annotations

import io

import numpy as np
import pytest

servers = pytest.importorskip("servers")

import soundfile

from nanospeech_core.server.encoders import FORMATS

TEXT = "The cat sat.\nThe old mat was red."


def wav(wave: np.ndarray, rate: int = 24000, **kind) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format="WAV", **kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def spoken(embedded):
    return list(embedded.speak(TEXT, voice="heart", seed=1))


@pytest.fixture(scope="module")
def recording(spoken):
    return np.concatenate([speech.wave for speech in spoken])


def align(server, data: bytes, **fields):
    files = {"file": ("x.wav", data)}
    return server.client.post("/v1/audio/alignments", files=files, data={"text": TEXT, **fields})


def test_times_places_and_phones_of_a_recording(server, spoken, recording):
    body = align(server, wav(recording)).json()
    words = [word for sentence in body["sentences"] for word in sentence["words"]]
    expected = [word for speech in spoken for word in speech.words]
    assert body["duration"] == pytest.approx(len(recording) / 24000, abs=1e-5)
    assert [TEXT[slice(*word["place"])] for word in words] == [word.text for word in expected]
    assert [w["start"] for w in words] == pytest.approx([w.start for w in expected], abs=0.08)
    assert [[p["text"] for p in w["phones"]] for w in words] == [[p.text for p in w.phones] for w in expected]


def test_line_breaks_as_a_browser_sends_them_do_not_move_places(server, recording):
    sent = align(server, wav(recording), text=TEXT.replace("\n", "\r\n")).json()
    assert sent == align(server, wav(recording)).json()


def test_a_lexicon_changes_the_phones(server, recording):
    body = align(server, wav(recording), options='{"lexicon": {"mat": "mˈɑt"}}').json()
    words = {word["text"]: word for sentence in body["sentences"] for word in sentence["words"]}
    assert "".join(phone["text"] for phone in words["mat"]["phones"]) == "mˈɑt"


@pytest.mark.parametrize(("name", "begin"), [("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n")])
def test_subtitles_of_a_recording(server, recording, name, begin):
    response = align(server, wav(recording), response_format=name)
    assert response.status_code == 200 and response.text.startswith(begin) and " --> " in response.text


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"text": ""}, "text"), ({"response_format": "ass"}, "response_format"), ({"edited": "x"}, "edited")],
    ids=str,
)
def test_wrong_fields_of_an_alignment(server, recording, fields, param):
    assert server.error(400, align(server, wav(recording), **fields))["param"] == param


def convert(server, data: bytes, **fields):
    return server.client.post("/v1/audio/conversions", files={"file": ("x", data)}, data=fields)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_of_a_recording(server, recording, name):
    response = convert(server, wav(recording), response_format=name)
    assert response.status_code == 200 and response.headers["content-type"] == FORMATS[name].media_type
    if name == "pcm":
        stored, _ = soundfile.read(io.BytesIO(wav(recording)), dtype="int16")
        assert response.content == stored.tobytes()
    elif name != "aac":
        wave, rate = soundfile.read(io.BytesIO(response.content))
        assert abs(len(wave) / rate - len(recording) / 24000) < 0.1


def test_wav_keeps_rate_channels_and_samples(server, recording):
    stereo = np.stack([recording, recording * 0.5], axis=1)
    flac = io.BytesIO()
    soundfile.write(flac, stereo, 44100, format="FLAC", subtype="PCM_24")
    wave, rate = soundfile.read(io.BytesIO(convert(server, flac.getvalue()).content), dtype="int32")
    assert rate == 44100
    assert np.array_equal(wave, soundfile.read(io.BytesIO(flac.getvalue()), dtype="int32")[0])


def test_what_is_no_recording_is_not_converted(server, recording):
    assert server.error(400, convert(server, b"no audio"))["param"] == "file"
    error = server.error(400, convert(server, wav(recording), response_format="exe"))
    assert error["param"] == "response_format"
