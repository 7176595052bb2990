"""`POST /v1/audio/speech`: speech while it is generated; and the same with the times of words."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ...audio.mel import FRAME_RATE, SAMPLE_RATE
from ...speech.speech import Phone, Speech, Word, join_speech
from ...speech.timestamps import as_dict
from ..encoders import FORMATS, encode_all, make_encoder
from ..errors import ApiError
from ..metrics import FAILED, LEFT, STOPPING
from ..model_thread import Job, Stopping
from ..service import Service, as_api_error
from ..speech_request import SpeechRequest, read_json, read_speech_request
from .bodies import read_body

TOKEN_SECONDS = 4 / FRAME_RATE  # of speech in a token, for `usage`


async def create_speech(request: Request) -> Response:
    """OpenAI's endpoint, in all its formats, with our options as further fields."""
    service: Service = request.app.state.service
    arrived = time.perf_counter()
    wanted = await _read(request, service)
    if not wanted.streamed:
        speeches = await _speak_all(request, service, wanted)
        service.metrics.first_audio.observe(time.perf_counter() - arrived)
        data = await asyncio.to_thread(encode_all, wanted.audio_format, join_speech(speeches).wave)
        return Response(data, media_type=FORMATS[wanted.audio_format].media_type)
    return StreamedSpeech(service, wanted, await service.begin(wanted), arrived)


async def create_timed_speech(request: Request) -> Response:
    """The whole speech with the times of its sentences, words and phones, in seconds, as JSON."""
    service: Service = request.app.state.service
    body = {"response_format": "wav", **read_json(await read_body(request, service.limits.max_body))}
    body.pop("timestamps", None)
    wanted = read_speech_request({**body, "stream_format": None}, service.limits.max_characters)
    wanted = replace(wanted, streamed=False)
    speeches = await _speak_all(request, service, wanted)
    wave = join_speech(speeches).wave
    data = await asyncio.to_thread(encode_all, wanted.audio_format, wave)
    return JSONResponse(
        {
            "audio": base64.b64encode(data).decode(),
            "format": wanted.audio_format,
            "sample_rate": SAMPLE_RATE,
            **as_dict([speech for speech in speeches if speech.text]),
        }
    )


async def _read(request: Request, service: Service) -> SpeechRequest:
    body = read_json(await read_body(request, service.limits.max_body))
    return read_speech_request(body, service.limits.max_characters)


async def _speak_all(request: Request, service: Service, wanted: SpeechRequest) -> list[Speech]:
    """All of the speech. Raises ApiError; the work ends when the client leaves."""
    return await job_results(request, await service.begin(wanted))


async def job_results(request: Request, job: Job) -> list[Any]:
    """All results of a job; it is cancelled if the client leaves. Raises ApiError."""
    watcher = asyncio.create_task(cancel_on_disconnect(job, request.receive))
    try:
        results = [result async for result in job]
        if job.cancelled:
            raise ApiError("the client has left", 499)
        return results
    except Exception as error:
        raise as_api_error(error) from error
    finally:
        watcher.cancel()
        job.cancel()


async def cancel_on_disconnect(job: Job, receive: Receive) -> None:
    """Cancel the job when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    job.cancel()


class StreamedSpeech(Response):
    """A response that is sent while the speech is generated.

    Its status is sent with the first audio, so that what is wrong with a text is still an error. If a later
    sentence fails, the connection is closed without an end: the client can tell. `scope["broken"]` then says
    why, one of `metrics.BROKEN`, and after how many seconds of audio.
    """

    def __init__(self, service: Service, wanted: SpeechRequest, job: Job, arrived: float):
        media_type = "text/event-stream" if wanted.sse else FORMATS[wanted.audio_format].media_type
        super().__init__(media_type=media_type, headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self.service, self.wanted, self.job, self.arrived = service, wanted, job, arrived
        self.seconds = 0.0  # of audio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as an ASGI application."""
        watcher = asyncio.create_task(cancel_on_disconnect(self.job, receive))
        started, broken = False, ""
        try:
            async for data in self._parts():
                if not started:
                    self.service.metrics.first_audio.observe(time.perf_counter() - self.arrived)
                    start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
                    await send(start)
                    started = True
                await send({"type": "http.response.body", "body": data, "more_body": True})
            if self.job.cancelled:
                broken = LEFT
            elif started:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            broken = LEFT
        except Exception as error:
            broken = STOPPING if isinstance(error, Stopping) else FAILED
            if started:
                raise
            await as_api_error(error).response()(scope, receive, send)
        finally:
            if started and broken:
                scope["broken"] = broken, self.seconds
            watcher.cancel()
            self.job.cancel()

    async def _parts(self) -> AsyncIterator[bytes]:
        """The body, part by part."""
        encoder = make_encoder(self.wanted.audio_format)
        async for speech in self.job:
            self.seconds += len(speech.wave) / SAMPLE_RATE
            if self.wanted.timestamps and speech.text:
                yield _event("speech.words", **_timed_words(speech))
            data = await asyncio.to_thread(encoder.encode, speech.wave)
            if data:
                yield self._audio(data)
        data = await asyncio.to_thread(encoder.finish)
        if data:
            yield self._audio(data)
        if self.wanted.sse:
            yield _event("speech.audio.done", usage=_usage(self.wanted.text, self.seconds))

    def _audio(self, data: bytes) -> bytes:
        if not self.wanted.sse:
            return data
        return _event("speech.audio.delta", audio=base64.b64encode(data).decode())


def _event(kind: str, **fields: Any) -> bytes:
    """A server-sent event of OpenAI's API."""
    return f"data: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


def _timed_words(speech: Speech) -> dict[str, Any]:
    words = [
        {**_timed(word), "place": word.place, "phones": [_timed(phone) for phone in word.phones]}
        for word in speech.words
    ]
    return {**_timed(speech), "words": words}


def _timed(part: Speech | Word | Phone) -> dict[str, Any]:
    return {"text": part.text, "start": round(part.start, 4), "end": round(part.end, 4)}


def _usage(text: str, seconds: float) -> dict[str, int]:
    """Characters in, tokens of speech out."""
    spoken = round(seconds / TOKEN_SECONDS)
    return {"input_tokens": len(text), "output_tokens": spoken, "total_tokens": len(text) + spoken}
