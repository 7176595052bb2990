"""What the apps send that talk with OpenAI's audio API, and what they read of the answer.

Each test sends what its client's source sends (the file is named), with the library that it uses.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json

import numpy as np
import pytest

servers = pytest.importorskip("servers")
openai = pytest.importorskip("openai", reason="needs the extra [test]")

import av
import httpx

TEXT = "The lights in the kitchen are on."


def seconds(data: bytes) -> float:
    """The duration of an encoded file, one channel of 24 kHz speech."""
    with av.open(io.BytesIO(data)) as file:
        frames = list(file.decode(audio=0))
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    assert frames[0].layout.nb_channels == 1 and np.abs(samples).max() > 0.05
    return sum(frame.samples for frame in frames) / frames[0].sample_rate


@pytest.fixture
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="not-needed", max_retries=0, timeout=30)


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_openai_python(client, audio_format, tmp_path):
    """github.com/openai/openai-python: the example of its documentation, in every format."""
    path = tmp_path / f"speech.{audio_format}"
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        voice="coral",
        input=TEXT,
        instructions="Speak in a cheerful tone.",
        response_format=audio_format,
    ) as response:
        response.stream_to_file(path)
    data = path.read_bytes()
    assert 1 < (len(data) / 48000 if audio_format == "pcm" else seconds(data)) < 4


def test_openai_python_reads_errors_and_models(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert refused.value.body["param"] == "voice" and "there is no voice" in refused.value.body["message"]
    with pytest.raises(openai.NotFoundError):
        client.audio.speech.create(model="whisper-1", voice="alloy", input=TEXT)
    assert "tts-1" in [model.id for model in client.models.list()]
    assert client.models.retrieve("tts-1").id == "tts-1"


@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
def test_livekit(server, model):
    """livekit-plugins-openai `tts.py`: MP3; server-sent events unless the model is an old one."""
    sse = model not in ("tts-1", "tts-1-hd")

    async def speak() -> tuple[str, bytes, bool]:
        async with openai.AsyncClient(api_key="x", base_url=f"{server.url}/v1", max_retries=0) as livekit:
            more = {"stream_format": "sse"} if sse else {}
            async with livekit.audio.speech.with_streaming_response.create(
                input=TEXT,
                model=model,
                voice="ash",
                response_format="mp3",
                speed=1.0,
                instructions=openai.omit,
                timeout=httpx.Timeout(30, connect=5),
                extra_body=more,
            ) as response:
                kind, data, done = response.headers["content-type"], b"", not sse
                async for line in response.iter_lines() if sse else response.iter_bytes():
                    if not sse:
                        data += line
                    elif line.startswith("data: "):
                        event = json.loads(line.removeprefix("data: "))
                        if event["type"] == "speech.audio.delta":
                            data += base64.b64decode(event["audio"])
                        elif event["type"] == "speech.audio.done":
                            done = min(event["usage"].values()) > 0
                return kind, data, done

    kind, data, done = asyncio.run(speak())
    assert kind.partition(";")[0] == ("text/event-stream" if sse else "audio/mpeg") and done
    assert 1 < seconds(data) < 4


@pytest.mark.parametrize(
    "voice", "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()
)
def test_pipecat(server, voice):
    """pipecat `services/openai/tts.py`: PCM of 24 kHz, any of these voices, status 200."""

    async def speak() -> bytes:
        async with openai.AsyncOpenAI(api_key="x", base_url=f"{server.url}/v1", max_retries=0) as pipecat:
            async with pipecat.audio.speech.with_streaming_response.create(
                input="On.", model="gpt-4o-mini-tts", voice=voice, response_format="pcm"
            ) as response:
                assert response.status_code == 200
                return b"".join([chunk async for chunk in response.iter_bytes(1024)])

    assert 0.3 < len(asyncio.run(speak())) / 48000 < 2


def test_open_webui(server):
    """open-webui `routers/audio.py`: the models, the voices, and speech with a bearer key."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-x"}
    base = f"{server.url}/v1"
    models = httpx.get(f"{base}/audio/models", headers=headers).json()["models"]
    voices = httpx.get(f"{base}/audio/voices", headers=headers).json()["voices"]
    names = {voice["id"]: voice["name"] for voice in voices}
    assert {"heart", "alloy"} <= set(names) and models[0]["id"] == "nanospeech-mar"
    body = {"model": models[0]["id"], "input": TEXT, "voice": "heart"}
    answer = httpx.post(f"{base}/audio/speech", json=body, headers=headers, timeout=30)
    assert answer.headers["content-type"] == "audio/mpeg" and 1 < seconds(answer.content) < 4
    refused = httpx.post(f"{base}/audio/speech", json={**body, "input": ""}, headers=headers)
    assert refused.json()["error"]["message"] == "input is empty"


def test_silly_tavern(server):
    """SillyTavern `src/endpoints/openai.js`, "OpenAI compatible": from its own server, without an origin."""
    body = {"input": TEXT, "response_format": "mp3", "voice": "nova", "speed": 1.25, "model": "tts-1"}
    headers = {"Content-Type": "application/json", "Authorization": "Bearer", "Accept": "*/*"}
    answer = httpx.post(
        f"{server.url}/v1/audio/speech", content=json.dumps(body), headers=headers, timeout=30
    )
    assert answer.status_code == 200 and 0.8 < seconds(answer.content) < 3
