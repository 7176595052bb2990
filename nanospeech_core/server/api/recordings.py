"""Requests with a recording: `POST /v1/audio/edits` and `POST /v1/audio/voices`."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ...audio import files as audio
from ...editing.edit import MARGIN, MAX_SECONDS
from ...errors import UserError
from ...pipeline import Pipeline
from ...text.checks import check_text
from ...voices.alignment import onset_finder
from ...voices.recording import LONGEST_SECONDS, voice_from_recording
from ...voices.speech_check import text_checker
from ...voices.store import Voice, check_new_name, save_voice, user_folder
from ..encoders import FORMATS
from ..errors import ApiError
from ..model_thread import Job, Steps
from ..service import Service, as_api_error
from ..speech_request import check_fields, read_json, read_options
from .bodies import limited
from .speech import cancel_on_disconnect

EDIT_FORMATS = {"wav": ".wav", "flac": ".flac", "mp3": ".mp3", "opus": ".opus"}
EDIT_FIELDS = ("file", "text", "edited", "margin", "response_format", "options")
VOICE_FIELDS = ("file", "name", "text", "lang", "description", "consent", "replace")


async def create_edit(request: Request) -> Response:
    """A recording with other words: all samples outside of the edit stay the same.

    Form fields: file, text (what it says), edited (what it should say), margin (ms), response_format (wav,
    flac, mp3, opus; wav and flac keep the recording's encoding), options (a JSON object).
    """
    service: Service = request.app.state.service
    async with _form(request, service, EDIT_FIELDS) as form:
        text, edited = _text(form, "text", service), _text(form, "edited", service)
        suffix = EDIT_FORMATS.get(name := _field(form, "response_format") or "wav")
        if suffix is None:
            raise ApiError(
                f"response_format must be one of {', '.join(EDIT_FORMATS)}", param="response_format"
            )
        margin = _number(form, "margin", MARGIN)
        options = read_options(_options(form))
        with _stored(_file(form)) as path:
            wave, rate, encoding = await _read(path)

            def steps(model: Pipeline) -> Steps:
                with warnings.catch_warnings():  # that nothing changes: the client can tell
                    warnings.simplefilter("ignore")
                    result = model.edit(wave, text, edited, sample_rate=rate, margin=margin, **options)
                yield result, 0.0

            result = await _result(request, service.submit(steps))
            data = await asyncio.to_thread(_encode, path.with_suffix(suffix), result, rate, encoding)
    return Response(data, media_type=FORMATS[name].media_type)


async def create_voice(request: Request) -> Response:
    """Store a voice from a recording in the user's folder.

    Form fields: file, name, text (the words of the recording; without it, an installed recognizer finds
    them), lang, description, replace, and consent, which must be "true": the speaker agreed to be imitated.
    """
    service: Service = request.app.state.service
    if not service.allow_uploads:
        raise ApiError("this server stores no voices: start it with --allow-uploads", 403)
    async with _form(request, service, VOICE_FIELDS) as form:
        if _field(form, "consent") != "true":
            message = 'consent must be "true": only add the voice of a person who agreed to be imitated'
            raise ApiError(message, param="consent")
        name, replacing = _field(form, "name") or "", _field(form, "replace") == "true"
        lang = read_options({"lang": _field(form, "lang")}).get("lang")
        words = None if _field(form, "text") is None else _text(form, "text", service)
        description = _field(form, "description") or "yours"
        try:
            name = check_new_name(name, replacing)
        except UserError as error:
            message = str(error).replace("--replace replaces it", 'replace "true" replaces it')
            raise ApiError(message, param="name") from error
        with _stored(_file(form)) as path:
            await _read(path)

            def steps(model: Pipeline) -> Steps:
                find, fits = (
                    onset_finder(model.config, model.aligner),
                    text_checker(model.config, model.aligner),
                )
                with warnings.catch_warnings(record=True) as told:
                    warnings.simplefilter("always")
                    found = voice_from_recording(path, words, lang, None, find, "text", fits)
                messages = [str(warning.message).replace(str(path), "the file") for warning in told]
                yield (replace(found, name=name, description=description), messages), 0.0

            voice, messages = await _result(request, service.submit(steps))
            await asyncio.to_thread(_save, voice, replacing)
    body = {"id": voice.name, "name": voice.name, "language": voice.language, "text": voice.text}
    return JSONResponse({**body, "warnings": messages}, 201)


def _save(voice: Voice, replacing: bool) -> None:
    try:
        save_voice(user_folder(), voice, replacing)
    except UserError as error:
        raise ApiError(str(error)) from error


async def _result(request: Request, job: Job) -> Any:
    """The only result of a job; it is cancelled if the client leaves. Raises ApiError."""
    watcher = asyncio.create_task(cancel_on_disconnect(job, request.receive))
    try:
        async for result in job:
            return result
    except Exception as error:
        raise as_api_error(error) from error
    finally:
        watcher.cancel()
        job.cancel()
    raise ApiError("the client has left", 499)


@asynccontextmanager
async def _form(request: Request, service: Service, fields: tuple[str, ...]) -> AsyncIterator[FormData]:
    """The fields of a form with a file. Raises ApiError for one that is unknown."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ApiError("the Content-Type must be multipart/form-data", 415)
    whole = limited(request, service.limits.max_upload)
    try:
        async with whole.form(max_files=1, max_fields=len(fields) + 1) as form:
            check_fields(form.keys(), fields)
            yield form
    except ClientDisconnect as error:
        raise ApiError("the request was cut off") from error
    except HTTPException as error:  # of the multipart parser
        raise ApiError(f"the form cannot be read: {error.detail:.100}") from error


def _field(form: FormData, name: str) -> str | None:
    value = form.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(f"{name} must be a text field, not a file", param=name)
    return value or None


def _file(form: FormData) -> UploadFile:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError("file must be a recording", param="file")
    return file


def _text(form: FormData, name: str, service: Service) -> str:
    text = _field(form, name) or ""
    if len(text) > service.limits.max_characters:
        raise ApiError(f"{name} may have at most {service.limits.max_characters:,} characters", param=name)
    try:
        return check_text(text, name)
    except UserError as error:
        raise ApiError(str(error), param=name) from error


def _number(form: FormData, name: str, default: float) -> float:
    try:
        value = float(_field(form, name) or default)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ApiError(f"{name} must be a number", param=name)
    return value


def _options(form: FormData) -> dict:
    value = _field(form, "options")
    return {} if value is None else read_json(value.encode())


@contextlib.contextmanager
def _stored(file: UploadFile) -> Iterator[Path]:
    """The recording in a file, until the block ends. Its name is ours, not the client's."""
    with tempfile.TemporaryDirectory(prefix="nanospeech-") as folder:
        path = Path(folder, "recording")
        with path.open("wb") as stored:
            while block := file.file.read(1 << 20):
                stored.write(block)
        yield path


async def _read(path: Path) -> tuple[np.ndarray, int, str]:
    """See `audio.read_whole`. Raises ApiError."""
    try:
        longest = max(MAX_SECONDS, LONGEST_SECONDS)
        return await asyncio.to_thread(audio.read_whole, path, "float64", longest)
    except UserError as error:
        message = str(error).replace(str(path), "the file")
        raise ApiError(message, param="file") from error


def _encode(path: Path, wave: np.ndarray, rate: int, encoding: str) -> bytes:
    try:
        audio.write(path, wave, rate, encoding)
    except UserError as error:
        raise ApiError(str(error).replace(str(path), path.suffix[1:]), param="response_format") from error
    return path.read_bytes()
