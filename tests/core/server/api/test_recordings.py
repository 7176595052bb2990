"""Requests with a recording: edits and new voices."""

from __future__ import annotations

import io

import numpy as np
import pytest

servers = pytest.importorskip("servers")

import soundfile

from nanospeech_core.server.service import Limits, Service
from nanospeech_core.voices.store import user_voices

TEXT, EDITED = "The cat sat on the old mat.", "The dog sat on the old mat."


def wav(wave: np.ndarray, rate: int = 24000, **kind) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format="WAV", **kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def recording(embedded):
    return embedded.generate(TEXT, voice="heart", seed=1)


def edit(server, data: bytes, name: str = "x.wav", **fields):
    fields = {"text": TEXT, "edited": EDITED, **fields}
    return server.client.post("/v1/audio/edits", files={"file": (name, data)}, data=fields)


def test_an_edit_is_that_of_the_model_and_keeps_all_other_samples(server, embedded, recording):
    stored = np.stack([recording, recording * 0.5], axis=1)
    data = wav(stored, subtype="PCM_24")
    response = edit(server, data, options='{"seed": 3}')
    assert response.status_code == 200 and response.headers["content-type"] == "audio/wav"
    result, rate = soundfile.read(io.BytesIO(response.content))
    assert soundfile.info(io.BytesIO(response.content)).subtype == "PCM_24" and rate == 24000
    original, _ = soundfile.read(io.BytesIO(data))
    expected = embedded.edit(original, TEXT, EDITED, seed=3)
    assert np.abs(result - expected).max() < 2**-22 and len(result) != len(original)
    same_before = np.argmin((result[: len(original)] == original[: len(result)]).all(axis=1))
    same_after = np.argmin((result[::-1][: len(original)] == original[::-1][: len(result)]).all(axis=1))
    assert same_before > 0.1 * rate and same_after > 0.7 * rate


@pytest.mark.parametrize("response_format", ["flac", "mp3", "opus"])
def test_other_formats(server, recording, response_format):
    response = edit(server, wav(recording), response_format=response_format)
    assert response.status_code == 200 and len(response.content) > 1000


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"text": ""}, "text"),
        ({"edited": " "}, "edited"),
        ({"margin": "nan"}, "margin"),
        ({"margin": "x"}, "margin"),
        ({"response_format": "aac"}, "response_format"),
        ({"options": "{"}, None),
        ({"options": '{"voice": "emma"}'}, "voice"),
        ({"options": '{"lexicon": "/etc/passwd"}'}, "lexicon"),
        ({"unknown": "1"}, "unknown"),
    ],
    ids=str,
)
def test_wrong_fields_are_named(server, recording, fields, param):
    assert server.error(400, edit(server, wav(recording), **fields))["param"] == param


@pytest.mark.parametrize("data", [b"", b"no audio", wav(np.zeros(0, np.float32)), b"fLaC" + bytes(1000)])
def test_files_that_are_no_recording(server, data):
    error = server.error(400, edit(server, data, name="../../etc/passwd"))
    assert error["param"] == "file" and "the file" in error["message"] and "/tmp" not in error["message"]


def test_a_recording_may_not_be_endless(server):
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(24000 * 200, np.int16), 24000, format="FLAC")
    assert len(silence.getvalue()) < 200_000
    assert "120 s" in server.error(400, edit(server, silence.getvalue()))["message"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"--x\r\n", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nfoo", 400),
        ("multipart/form-data; boundary=x", b"", 400),
    ],
)
def test_bodies_that_are_no_form(server, content_type, body, status):
    headers = {"Content-Type": content_type}
    server.error(status, server.client.post("/v1/audio/edits", content=body, headers=headers))


def test_large_bodies_are_refused_before_they_are_read(embedded):
    with servers.running(Service(lambda: embedded, Limits(max_upload=1000, max_body=1000))) as small:
        small.error(413, edit(small, bytes(2000)))
        small.error(413, small.speak(input="x" * 2000))

        def parts():  # without a length
            for _ in range(100):
                yield b" " * 100

        headers = {"Content-Type": "application/json"}
        small.error(413, small.client.post("/v1/audio/speech", content=parts(), headers=headers))


@pytest.fixture
def uploads(embedded, monkeypatch, tmp_path):
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path))
    with servers.running(
        Service(lambda: embedded),
    ) as one:
        one.service.allow_uploads = True
        yield one


def add(server, data: bytes, **fields):
    return server.client.post("/v1/audio/voices", files={"file": ("me.wav", data)}, data=fields)


def test_voices_are_not_stored_unless_the_server_allows_it(server, recording):
    error = server.error(403, add(server, wav(recording), name="me", text=TEXT, consent="true"))
    assert "--allow-uploads" in error["message"]


def test_a_voice_is_stored_and_can_speak(uploads, recording):
    loud = np.concatenate([recording, recording])
    response = add(uploads, wav(loud), name="me", text=f"{TEXT} {TEXT}", consent="true", description="mine")
    assert response.status_code == 201 and response.json()["id"] == "me"
    (voice,) = user_voices()
    assert (voice.name, voice.description, voice.language) == ("me", "mine", "en-us")
    listed = uploads.client.get("/v1/audio/voices").json()["voices"]
    assert any(row["id"] == "me" for row in listed)
    assert uploads.speak(input="Hello.", voice="me").status_code == 200
    again = add(uploads, wav(loud), name="me", text=f"{TEXT} {TEXT}", consent="true")
    assert "replace" in uploads.error(400, again)["message"]
    replaced = add(uploads, wav(loud), name="me", text=f"{TEXT} {TEXT}", consent="true", replace="true")
    assert replaced.status_code == 201


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"consent": ""}, "consent"),
        ({"consent": "yes"}, "consent"),
        ({"name": "../me"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "heart"}, "name"),
        ({"lang": "fr"}, "lang"),
    ],
    ids=str,
)
def test_a_voice_with_wrong_fields_is_not_stored(uploads, recording, fields, param):
    response = add(uploads, wav(recording), **{"name": "me", "text": TEXT, "consent": "true", **fields})
    assert uploads.error(400, response)["param"] == param and user_voices() == []
