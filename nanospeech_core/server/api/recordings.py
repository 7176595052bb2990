"""Requests with a recording: edits, alignments, conversions, and new voices."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import replace

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...audio.signal import to_model
from ...editing.edit import MARGIN
from ...errors import UserError
from ...pipeline import Pipeline
from ...speech.speech import Speech
from ...voices.alignment import onset_finder
from ...voices.recording import voice_from_recording
from ...voices.speech_check import text_checker
from ...voices.store import Voice, check_new_name, save_voice, user_folder
from ..encoders import FORMATS, encode_all
from ..errors import ApiError
from ..model_thread import Steps
from ..service import Service
from ..speech_request import read_options
from .forms import (
    encode,
    field,
    file_of,
    format_of,
    job_result,
    number_of,
    options_of_form,
    read_form,
    read_recording,
    stored,
    text_of,
)
from .subtitles import FORMATS as TIME_FORMATS
from .subtitles import times

EDIT_FORMATS = {"wav": ".wav", "flac": ".flac", "mp3": ".mp3", "opus": ".opus"}
LONGEST_CONVERTED = 600.0  # seconds: more than the longest text lasts
EDIT_FIELDS = ("file", "text", "edited", "margin", "response_format", "options")
ALIGNMENT_FIELDS = ("file", "text", "response_format", "options")
CONVERSION_FIELDS = ("file", "response_format")
VOICE_FIELDS = ("file", "name", "text", "lang", "description", "consent", "replace")


async def create_edit(request: Request) -> Response:
    """A recording with other words: all samples outside of the edit stay the same.

    Form fields: file, text (what it says), edited (what it should say), margin (ms), response_format (wav,
    flac, mp3, opus; wav and flac keep the recording's encoding), options (a JSON object).
    """
    service: Service = request.app.state.service
    async with read_form(request, service, EDIT_FIELDS) as form:
        text, edited = text_of(form, "text", service), text_of(form, "edited", service)
        name = format_of(form, EDIT_FORMATS, "wav")
        margin = number_of(form, "margin", MARGIN)
        options = options_of_form(form)
        service.check_reads(options)
        with stored(file_of(form)) as path:
            wave, rate, encoding = await read_recording(path)

            def steps(model: Pipeline) -> Steps:
                with warnings.catch_warnings():  # that nothing changes: the client can tell
                    warnings.simplefilter("ignore")
                    result = model.edit(wave, text, edited, sample_rate=rate, margin=margin, **options)
                yield result, 0.0

            result = await job_result(request, await service.submit(steps))
            data = await asyncio.to_thread(
                encode, path.with_suffix(EDIT_FORMATS[name]), result, rate, encoding
            )
    return Response(data, media_type=FORMATS[name].media_type)


async def create_alignment(request: Request) -> Response:
    """When a recording says the words of its text.

    Form fields: file, text, options (a JSON object; lang and lexicon have an effect), response_format: json
    (sentences with words and phones, as of `/v1/audio/speech/timestamps`), srt or vtt.
    """
    service: Service = request.app.state.service
    async with read_form(request, service, ALIGNMENT_FIELDS) as form:
        text, options = text_of(form, "text", service), options_of_form(form)
        name = format_of(form, TIME_FORMATS, "json")
        with stored(file_of(form)) as path:
            wave, rate, _ = await read_recording(path)

        def steps(model: Pipeline) -> Steps:
            with warnings.catch_warnings():  # of characters without a sound
                warnings.simplefilter("ignore")
                found = model.word_times(wave, text, rate, **options)
            yield found, 0.0

        speeches: list[Speech] = await job_result(request, await service.submit(steps))
    return times(speeches, len(wave) / rate, name)


async def create_conversion(request: Request) -> Response:
    """A recording in another format.

    Form fields: file, response_format (any of speech). WAV and FLAC keep the rate, the channels and, if they
    can, the encoding; AAC and PCM are what speech is: 24 kHz, one channel.
    """
    service: Service = request.app.state.service
    async with read_form(request, service, CONVERSION_FIELDS) as form:
        name = format_of(form, FORMATS, "wav")
        with stored(file_of(form)) as path:
            wave, rate, encoding = await read_recording(path, LONGEST_CONVERTED)
            suffix = EDIT_FORMATS.get(name)
            if suffix is None:
                data = await asyncio.to_thread(_as_speech, wave, rate, name)
            else:
                data = await asyncio.to_thread(encode, path.with_suffix(suffix), wave, rate, encoding)
    return Response(data, media_type=FORMATS[name].media_type)


def _as_speech(wave: np.ndarray, rate: int, name: str) -> bytes:
    return encode_all(name, to_model(wave.astype(np.float32), rate))


async def create_voice(request: Request) -> Response:
    """Store a voice from a recording in the user's folder.

    Form fields: file, name, text (the words of the recording; without it, an installed recognizer finds
    them), lang, description, replace, and consent, which must be "true": the speaker agreed to be imitated.
    """
    service: Service = request.app.state.service
    if not service.allow_uploads:
        raise ApiError("this server stores no voices: start it with --allow-uploads", 403)
    async with read_form(request, service, VOICE_FIELDS) as form:
        if field(form, "consent") != "true":
            message = 'consent must be "true": only add the voice of a person who agreed to be imitated'
            raise ApiError(message, param="consent")
        name, replacing = field(form, "name") or "", field(form, "replace") == "true"
        lang = read_options({"lang": field(form, "lang")}).get("lang")
        words = None if field(form, "text") is None else text_of(form, "text", service)
        description = field(form, "description") or "yours"
        try:
            name = check_new_name(name, replacing)
        except UserError as error:
            message = str(error).replace("--replace replaces it", 'replace "true" replaces it')
            raise ApiError(message, param="name") from error
        with stored(file_of(form)) as path:
            await read_recording(path)

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

            voice, messages = await job_result(request, await service.submit(steps))
            await asyncio.to_thread(_save, voice, replacing)
    body = {"id": voice.name, "name": voice.name, "language": voice.language, "text": voice.text}
    return JSONResponse({**body, "warnings": messages}, 201)


def _save(voice: Voice, replacing: bool) -> None:
    try:
        save_voice(user_folder(), voice, replacing)
    except UserError as error:
        raise ApiError(str(error)) from error
