"""`POST /v1/audio/speech`: the formats, streams, server-sent events, word times, and clients that leave."""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import time
import wave as wave_module

import numpy as np
import pytest

servers = pytest.importorskip("servers")

import av
import httpx

from nanospeech_core.audio.wav_stream import pcm16
from nanospeech_core.errors import UserError
from nanospeech_core.server.encoders import FORMATS
from nanospeech_core.server.service import Limits, Service
from nanospeech_core.speech.timestamps import as_dict

TEXT = "Good morning, everyone in the house. The kettle is on and the bread is warm."


def samples(data: bytes, audio_format: str) -> np.ndarray:
    """Decoded, float [samples] at 24 kHz."""
    if audio_format == "pcm":
        return np.frombuffer(data, "<i2") / 32768
    with av.open(io.BytesIO(data)) as file:
        resampler = av.AudioResampler("s16", "mono", 24000)
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768


def delay(decoded: np.ndarray, expected: np.ndarray) -> int:
    """By how many samples the decoded audio is late, found by correlation."""
    size = 1 << (len(decoded) + len(expected)).bit_length()
    product = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(expected, size))
    return int(np.argmax(np.fft.irfft(product)))


def events(response: httpx.Response) -> list[dict]:
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line]


@pytest.fixture(scope="module")
def streamed(embedded):
    return np.concatenate(list(embedded.stream(TEXT, voice="heart")))


@pytest.mark.parametrize("audio_format", FORMATS)
def test_each_format_has_the_whole_speech_without_a_gap(server, streamed, audio_format):
    response = server.speak(
        model="tts-1", input=TEXT, voice="heart", response_format=audio_format, stream_format="audio"
    )
    assert (
        response.status_code == 200 and response.headers["content-type"] == FORMATS[audio_format].media_type
    )
    decoded = samples(response.content, audio_format)
    late = delay(decoded, streamed)
    assert 0 <= late < 2400  # an encoder's delay
    decoded = decoded[late:]
    assert len(decoded) >= len(streamed) - 480  # no lost tail: of Opus, a frame of 20 ms may be padding
    length = min(len(decoded), len(streamed))
    correlation = np.corrcoef(decoded[:length], streamed[:length])[0, 1]
    assert correlation > (0.9999 if audio_format in ("wav", "flac", "pcm") else 0.95)
    for place in range(0, length - 2400, 2400):  # nowhere is a hole
        loud = np.abs(streamed[place : place + 2400]).max() > 0.1
        assert not loud or np.abs(decoded[place : place + 2400]).max() > 0.05


def test_pcm_is_the_stream_of_the_model_to_the_sample(server, streamed):
    response = server.speak(input=TEXT, voice="heart", response_format="pcm")
    assert response.content == pcm16(streamed).tobytes()
    assert "content-length" not in response.headers


def test_a_wav_has_its_length_unless_it_is_streamed(server, embedded):
    response = server.speak(input=TEXT, voice="heart", response_format="wav", seed=3)
    with wave_module.open(io.BytesIO(response.content)) as file:
        data = file.readframes(file.getnframes())
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24000, 1, 2)
        assert len(data) == 2 * file.getnframes()
    assert data == pcm16(embedded.generate(TEXT, voice="heart", seed=3)).tobytes()
    assert int(response.headers["content-length"]) == len(response.content)


def test_the_first_audio_comes_before_the_last_is_generated(server):
    body = dict(input="This sentence is spoken. " * 30, response_format="pcm")
    with server.client.stream("POST", "/v1/audio/speech", json=body) as response:
        parts = response.iter_raw()  # kept: httpx hangs up when it is dropped
        first = next(parts)
        assert 0 < len(first) and server.service.model.jobs  # it is still being generated


def test_server_sent_events_have_the_audio_and_the_usage(server, streamed):
    response = server.speak(input=TEXT, voice="heart", response_format="pcm", stream_format="sse")
    *deltas, done = events(response)
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == pcm16(streamed).tobytes()
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["input_tokens"] == len(TEXT)
    assert done["usage"]["output_tokens"] == pytest.approx(len(streamed) / 24000 * 23.4375, abs=1)
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]


def test_events_can_have_the_words_before_their_audio(server, embedded):
    response = server.speak(
        input=TEXT, voice="heart", response_format="pcm", stream_format="sse", timestamps=True
    )
    received = events(response)
    expected = [speech for speech in embedded.speak(TEXT, voice="heart", stream=True) if speech.text]
    timed = [event for event in received if event["type"] == "speech.words"]
    assert received[0] is timed[0]
    assert [event["text"] for event in timed] == [speech.text for speech in expected]
    for event, speech in zip(timed, expected, strict=True):
        assert [word["text"] for word in event["words"]] == [word.text for word in speech.words]
        assert [word["start"] for word in event["words"]] == pytest.approx(
            [word.start for word in speech.words], abs=1e-4
        )


def test_timestamps_are_those_of_the_model(server, embedded):
    response = server.client.post(
        "/v1/audio/speech/timestamps", json=dict(input=TEXT, voice="emma", response_format="flac")
    )
    body = response.json()
    speeches = list(embedded.speak(TEXT, voice="emma"))
    assert {name: body[name] for name in ("duration", "sentences")} == as_dict(speeches)
    assert body["format"] == "flac" and body["sample_rate"] == 24000
    decoded = samples(base64.b64decode(body["audio"]), "flac")
    assert len(decoded) / 24000 == pytest.approx(body["duration"], abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 5},
        {"num_iter": 1, "temperature": 0.0},
        {"speed": 1.5},
        {"use_diffusion": True},
        {"sampler": "ode", "steps": 2},
        {"lexicon": {"kettle": "tˈeɪbəl"}},
        {"lang": "en-GB"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_our_options_do_what_they_do_in_python(server, embedded, options):
    response = server.speak(input=TEXT, voice="heart", response_format="pcm", **options)
    ours = {**options, "lang": "en-gb"} if "lang" in options else options
    expected = np.concatenate(list(embedded.stream(TEXT, voice="heart", **ours)))
    assert response.content == pcm16(expected).tobytes()


def test_an_option_that_the_sampler_does_not_read_is_refused(server):
    """On every endpoint. An order is not: the client may not know that its answer is streamed."""
    bodies = dict(input=TEXT, voice="heart", sampler="ode", num_iter=2)
    for path in ("speech", "speech/timestamps", "reveals"):
        error = server.error(400, server.client.post(f"/v1/audio/{path}", json=bodies))
        assert error["param"] == "num_iter" and "does not read it" in error["message"]
    form = {"text": "One.", "edited": "Two.", "options": '{"steps": 2}'}
    files = {"file": ("a.wav", b"RIFF")}
    assert (
        server.error(400, server.client.post("/v1/audio/edits", data=form, files=files))["param"] == "steps"
    )
    assert server.speak(input="Hi.", voice="heart", order="random", response_format="pcm").status_code == 200


def test_a_text_that_cannot_be_spoken_is_an_error_and_not_a_broken_stream(server):
    error = server.error(400, server.speak(input="...", voice="heart"))
    assert (
        error["message"].startswith("there is nothing to speak") and error["type"] == "invalid_request_error"
    )


def test_a_client_that_leaves_ends_its_work(server):
    def idle() -> bool:
        deadline = time.monotonic() + 10
        while server.service.model.jobs and time.monotonic() < deadline:
            time.sleep(0.02)
        return not server.service.model.jobs

    assert idle()
    body = json.dumps({"input": "A long text goes on and on. " * 140, "response_format": "pcm"}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body)
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert server.service.model.jobs
        before = len(server.log)
    assert idle()
    deadline = time.monotonic() + 10
    while len(server.log) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    line = r"POST '/v1/audio/speech' 200 [\d.]+ s, the client left after (\d+\.\d) s of audio"
    left = re.fullmatch(line, server.log[-1])
    assert left and 0 < float(left[1]) < 200
    metrics = server.client.get("/metrics").text
    assert re.search(r'^nanospeech_broken_streams_total{reason="client_left"} [1-9]', metrics, re.MULTILINE)


def test_a_stream_that_fails_later_is_cut_off(embedded):
    class Failing:
        """A model whose second sentence fails."""

        def voices(self):
            return embedded.voices()

        def stream(self, text):
            return iter(())

        def speak(self, text, voice, **options):
            yield from embedded.speak("One.", voice, stream=True)
            raise UserError("the second sentence fails")

    with servers.running(Service(Failing)) as failing:
        with pytest.raises(httpx.RemoteProtocolError):
            failing.speak(input=TEXT, response_format="pcm")
        (line,) = failing.log
        assert re.fullmatch(
            r"POST '/v1/audio/speech' 200 .* s, broken off by an error after 0\.\d s of audio", line
        )
        metrics = failing.client.get("/metrics").text
        assert 'nanospeech_broken_streams_total{reason="failed"} 1.0' in metrics
        assert 'nanospeech_broken_streams_total{reason="client_left"} 0.0' in metrics


def test_too_many_requests_get_503_and_a_time(embedded):
    limits = Limits(max_jobs=1)
    long = dict(input="A long text goes on and on. " * 100, response_format="pcm")
    with servers.running(Service(lambda: embedded, limits)) as busy:
        with busy.client.stream("POST", "/v1/audio/speech", json=long) as response:
            assert response.status_code == 200
            parts = response.iter_raw()  # kept: httpx hangs up when it is dropped
            next(parts)
            assert len(busy.service.model.jobs) == 1
            refused = busy.speak(input=TEXT)
            error = busy.error(503, refused)
            assert error["code"] == "server_busy" and int(refused.headers["retry-after"]) >= 1
        deadline = time.monotonic() + 10
        while busy.service.model.jobs and time.monotonic() < deadline:
            time.sleep(0.02)
        assert busy.speak(input="Hi.").status_code == 200


def test_ssml(server, embedded):
    text = '<speak>你好 <break time="300ms"/> 世界。<voice name="yunxi">早上好。</voice></speak>'
    response = server.speak(input=text, voice="nova", response_format="pcm")  # in Chinese, xiaoxiao
    expected = np.concatenate(list(embedded.stream(text, voice="xiaoxiao")))
    assert response.content == pcm16(expected).tobytes()
    refused = server.speak(input="<speak>你好<br/></speak>", voice="nova")
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "SSML, line 1, column 10: there is no element <br> in SSML"


def test_a_client_that_leaves_before_a_whole_file_is_no_failure(server, caplog):
    body = json.dumps({"input": "A long text goes on and on. " * 140, "response_format": "wav"}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/audio/speech HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    before = len(server.log)
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body)
        deadline = time.monotonic() + 10
        while not server.service.model.jobs and time.monotonic() < deadline:
            time.sleep(0.002)
    while len(server.log) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert " 499 " in server.log[-1] and not server.service.model.jobs
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
