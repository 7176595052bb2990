"""The body of a request for speech: what is taken, and what is refused with the name of its field."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="needs the extra [serve]")

from nanospeech_core.checkpoints.folder import PRETRAINED, read_config
from nanospeech_core.server.errors import ApiError
from nanospeech_core.server.speech_request import check_reads, read_json, read_options, read_speech_request


def read(**body):
    return read_speech_request({"input": "Hello.", **body}, 4096)


def test_the_defaults_are_those_of_openai():
    request = read_speech_request({"input": "Hello."}, 4096)
    assert (request.audio_format, request.sse, request.streamed, request.options) == ("mp3", False, True, {})
    assert request.voice is None and not request.timestamps


def test_every_field_of_openai_is_taken():
    request = read(
        model="gpt-4o-mini-tts-2025-12-15",
        voice={"id": "emma"},
        instructions="Whisper.",
        response_format="opus",
        speed=1.5,
        stream_format="sse",
    )
    assert (request.voice, request.audio_format, request.sse) == ("emma", "opus", True)
    assert request.options == {"speed": 1.5}


def test_null_is_as_if_it_were_not_there():
    names = ("model", "voice", "instructions", "response_format", "speed", "stream_format", "seed", "lexicon")
    assert read(**dict.fromkeys(names)) == read()


def test_a_language_may_be_written_as_clients_write_it():
    assert read(lang="en_GB").options == {"lang": "en-gb"} and read(lang="zh-CN").options == {"lang": "zh"}


REFUSED = [
    ({"input": None}, "input"),
    ({"input": 3}, "input"),
    ({"input": "  "}, "input"),
    ({"input": "a\0"}, "input"),
    ({"input": "x" * 4097}, "input"),
    ({"voice": 3}, "voice"),
    ({"voice": {"id": 3}}, "voice"),
    ({"voice": {"id": "emma", "x": 1}}, "voice"),
    ({"voice": ["emma"]}, "voice"),
    ({"model": "other"}, "model"),
    ({"model": 3}, "model"),
    ({"instructions": 3}, "instructions"),
    ({"response_format": "ogg"}, "response_format"),
    ({"response_format": ["mp3"]}, "response_format"),
    ({"stream_format": True}, "stream_format"),
    ({"speed": 0.2}, "speed"),
    ({"speed": 4.1}, "speed"),
    ({"speed": "1"}, "speed"),
    ({"speed": True}, "speed"),
    ({"speed": 10**400}, "speed"),
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"num_iter": 65}, "num_iter"),
    ({"diffusion_steps": 10**9}, "diffusion_steps"),
    ({"steps": 129}, "steps"),
    ({"use_diffusion": 1}, "use_diffusion"),
    ({"temperature": 3}, "temperature"),
    ({"lang": "fr"}, "lang"),
    ({"lang": 3}, "lang"),
    ({"lexicon": "/etc/passwd"}, "lexicon"),
    ({"lexicon": {"word": 3}}, "lexicon"),
    ({"lexicon": {"word": " "}}, "lexicon"),
    ({"lexicon": {str(n): "a" for n in range(1001)}}, "lexicon"),
    ({"timestamps": "yes"}, "timestamps"),
    ({"timestamps": True}, "timestamps"),
    ({"unknown": 1}, "unknown"),
    ({"ref_audio": "/etc/passwd"}, "ref_audio"),
    ({"stream": True}, "stream"),
    ({"sampler": "ode", "use_diffusion": True}, None),
]


@pytest.mark.parametrize(("body", "param"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named(body, param):
    with pytest.raises(ApiError) as refused:
        read(**body)
    assert refused.value.param == param and 400 <= refused.value.status < 500
    assert len(refused.value.body()["error"]["message"]) < 700


def test_only_a_model_that_is_not_there_is_404():
    with pytest.raises(ApiError) as refused:
        read(model="other")
    assert refused.value.status == 404 and refused.value.code == "model_not_found"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b'"x"', b'{"input": NaN}', b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 5000]
)
def test_bodies_that_are_no_object(data):
    with pytest.raises(ApiError):
        read_json(data)


@pytest.mark.parametrize(
    ("options", "name", "sampler"),
    [
        ({"steps": 8}, "steps", "masked (the default)"),
        ({"sampler": "masked", "method": "euler"}, "method", "masked"),
        ({"sampler": "ode", "num_iter": 3}, "num_iter", "ode"),
        ({"use_diffusion": False, "temperature": 0.3}, "temperature", "ode"),
        ({"sampler": "ode", "refine_order": "worst"}, "refine_order", "ode"),
    ],
)
def test_options_that_the_sampler_does_not_read_are_refused(options, name, sampler):
    """As on the command line, also if they have their default."""
    with pytest.raises(ApiError) as refused:
        check_reads(read_options(options), read_config(PRETRAINED))
    assert refused.value.status == 400 and refused.value.param == name
    assert refused.value.message.startswith(f"{name} is an option of sampler ")
    assert refused.value.message.endswith(f"; sampler {sampler} does not read it")


@pytest.mark.parametrize(
    "options",
    [
        {"speed": 1.2, "seed": 3, "cfg": 1.5},
        {"sampler": "ode", "steps": 4},
        {"refine": 0.2, "steps": 4, "num_iter": 2},
    ],
)
def test_options_that_the_sampler_reads_are_taken(options):
    check_reads(read_options({**options, "lang": "en-gb", "lexicon": {"a": "b"}}), read_config(PRETRAINED))
