"""`POST /v1/audio/transcriptions`: the words of a recording, where a recognizer is installed."""

from __future__ import annotations

import asyncio
import functools
import threading

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ...audio.mel import SAMPLE_RATE
from ...audio.signal import to_model
from ...errors import UserError
from ...text.languages import base_language, find_code
from ...voices import recognition
from ..errors import ApiError
from ..service import Service
from .forms import field, file_of, format_of, read_form, read_recording, stored

FIELDS = ("file", "model", "language", "prompt", "temperature", "response_format")
_one_at_a_time = threading.Lock()  # a recognizer takes all cores


async def create_transcription(request: Request) -> Response:
    """OpenAI's endpoint, by the recognizer that is installed on this machine.

    Form fields: file, language, response_format (json or text). The others of OpenAI have no effect.
    """
    service: Service = request.app.state.service
    async with read_form(request, service, FIELDS) as form:
        kind = format_of(form, ("json", "text"), "json")
        named = field(form, "language")
        language = None if named is None else base_language(find_code(named) or named)
        name = recognition.default_recognizer()
        if name is None:
            message = (
                "no speech recognizer is installed: give the text of the recording, or pip install "
                "faster-whisper (or mlx-whisper)"
            )
            raise ApiError(message, 501, code="recognizer_not_installed")
        with stored(file_of(form)) as path:
            wave, rate, _ = await read_recording(path)
        try:
            text = await asyncio.to_thread(_recognize, name, to_model(wave, rate), language)
        except UserError as error:
            raise ApiError(str(error)) from error
    return PlainTextResponse(text + "\n") if kind == "text" else JSONResponse({"text": text})


@functools.lru_cache(maxsize=1)
def _load(name: str) -> recognition.Recognize:
    return recognition.recognizer(name)


def _recognize(name: str, wave: np.ndarray, language: str | None) -> str:
    """The words of float32 [samples], 24 kHz; a recognizer is loaded once."""
    with _one_at_a_time:
        return _load(name)(recognition.resample(wave, SAMPLE_RATE), language).strip()
