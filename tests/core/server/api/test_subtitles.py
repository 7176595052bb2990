"""`POST /v1/audio/subtitles`: the writers of the command line, for given times."""

from __future__ import annotations

import pytest

servers = pytest.importorskip("servers")

from nanospeech_core.speech.timestamps import as_dict, as_srt, as_vtt

TEXT = 'He said: "The kettle is on & hot." 你好，今天天气很好。'


@pytest.fixture(scope="module")
def spoken(embedded):
    return list(embedded.speak(TEXT, seed=1))


@pytest.mark.parametrize(("name", "write"), [("srt", as_srt), ("vtt", as_vtt)])
def test_they_are_those_of_the_command_line(server, spoken, name, write):
    body = {"sentences": as_dict(spoken)["sentences"], "response_format": name}
    response = server.client.post("/v1/audio/subtitles", json=body)
    assert response.status_code == 200 and response.text == write(spoken)


WORD = {"text": "Hi.", "start": 0, "end": 1}


@pytest.mark.parametrize(
    "sentences",
    [
        None,
        "x",
        [1],
        [{"text": "Hi."}],
        [{"text": "Hi.", "words": [{**WORD, "text": "Ho."}]}],
        [{"text": "Hi.", "words": [{**WORD, "start": "0"}]}],
        [{"text": "Hi.", "words": [{**WORD, "end": -1}]}],
        [{"text": "Hi.", "words": [{**WORD, "end": 10**400}]}],
        [{"text": "", "words": []}],
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_has_no_times_is_refused(server, sentences):
    body = {"sentences": sentences, "response_format": "srt"}
    assert server.error(400, server.client.post("/v1/audio/subtitles", json=body))["param"] == "sentences"


@pytest.mark.parametrize("name", [None, "json", 1])
def test_the_format_is_named(server, name):
    body = {"sentences": [{"text": "Hi.", "words": [WORD]}], "response_format": name}
    error = server.error(400, server.client.post("/v1/audio/subtitles", json=body))
    assert error["param"] == "response_format"
