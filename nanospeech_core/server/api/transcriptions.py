"""`POST /v1/audio/transcriptions`: the words of a recording, where a recognizer is installed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ...audio.mel import SAMPLE_RATE
from ...audio.signal import to_model
from ...errors import UserError
from ...system.serving import Workers
from ...text.languages import base_language, find_code
from ...voices import recognition
from ..errors import ApiError
from ..service import Service
from .forms import field, file_of, format_of, read_form, read_recording, stored

FIELDS = ("file", "model", "language", "prompt", "temperature", "response_format")
RETRY_SECONDS = 10
MAX_WAITING = 8  # recordings, the one that is being recognized included
_recognizing = Workers(1)  # one at a time: a recognizer takes all cores
_waiting = 0  # recordings; counted in the event loop


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
            text = await _in_turn(functools.partial(_recognize, name, to_model(wave, rate), language))
        except UserError as error:  # its model is missing here: nothing that the client could mend
            raise ApiError(str(error), 503, code="recognizer_unavailable") from error
    return PlainTextResponse(text + "\n") if kind == "text" else JSONResponse({"text": text})


async def _in_turn(recognize: Callable[[], str]) -> str:
    """The result, once the recordings before it are done. Raises ApiError if there are too many."""
    global _waiting
    if _waiting >= MAX_WAITING:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        message = f"{_waiting} recordings wait to be transcribed: try again in {RETRY_SECONDS} s"
        raise ApiError(message, 503, code="server_busy", headers=headers)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_recognizing, recognize)
    finally:
        _waiting -= 1


@functools.lru_cache(maxsize=1)
def _load(name: str) -> recognition.Recognize:
    return recognition.recognizer(name)


def _recognize(name: str, wave: np.ndarray, language: str | None) -> str:
    """The words of float32 [samples], 24 kHz; a recognizer is loaded once."""
    return _load(name)(recognition.resample(wave, SAMPLE_RATE), language).strip()
