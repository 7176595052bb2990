"""`POST /v1/audio/transcriptions`, with and without a recognizer."""

from __future__ import annotations

import io

import numpy as np
import pytest

servers = pytest.importorskip("servers")

import soundfile

from nanospeech_core.errors import UserError
from nanospeech_core.server.api import transcriptions
from nanospeech_core.voices import recognition


@pytest.fixture
def data() -> bytes:
    file = io.BytesIO()
    tone = np.sin(np.arange(44100) / 20).astype(np.float32) * 0.3
    soundfile.write(file, tone, 44100, format="WAV")
    return file.getvalue()


@pytest.fixture
def recognized(monkeypatch):
    """A recognizer that tells what it was given."""
    given = []

    def load(name, *_):
        def recognize(wave, language):
            given.append((name, len(wave), language))
            return " Hello there. "

        return recognize

    transcriptions._load.cache_clear()
    monkeypatch.setattr(recognition, "default_recognizer", lambda: "test:small")
    monkeypatch.setattr(recognition, "recognizer", load)
    yield given
    transcriptions._load.cache_clear()


def transcribe(server, data: bytes, **fields):
    return server.client.post("/v1/audio/transcriptions", files={"file": ("x.wav", data)}, data=fields)


def test_the_shape_of_openai(server, data, recognized):
    response = transcribe(server, data, model="whisper-1", language="zh-CN")
    assert response.status_code == 200 and response.json() == {"text": "Hello there."}
    assert transcribe(server, data, response_format="text").text == "Hello there.\n"
    assert recognized == [("test:small", 16000, "zh"), ("test:small", 16000, None)]


def test_the_client_of_openai(server, data, recognized):
    openai = pytest.importorskip("openai", reason="needs the extra [test]")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
    answer = client.audio.transcriptions.create(model="whisper-1", file=("x.wav", data))
    assert answer.text == "Hello there."


def test_without_a_recognizer_the_text_is_asked_for(server, data, monkeypatch):
    monkeypatch.setattr(recognition, "default_recognizer", lambda: None)
    error = server.error(501, transcribe(server, data))
    assert error["code"] == "recognizer_not_installed" and "give the text" in error["message"]


def test_a_recognizer_that_cannot_be_loaded(server, data, recognized, monkeypatch):
    def broken(*_):
        raise UserError("asr 'small' cannot be loaded: no network")

    monkeypatch.setattr(recognition, "recognizer", broken)
    error = server.error(503, transcribe(server, data))  # the client can mend nothing
    assert "no network" in error["message"] and error["code"] == "recognizer_unavailable"


@pytest.mark.parametrize(
    ("fields", "param"), [({"response_format": "srt"}, "response_format"), ({"x": "1"}, "x")], ids=str
)
def test_wrong_fields_are_named(server, data, recognized, fields, param):
    assert server.error(400, transcribe(server, data, **fields))["param"] == param


def test_what_is_no_recording(server, recognized):
    assert server.error(400, transcribe(server, b"no audio"))["param"] == "file"
