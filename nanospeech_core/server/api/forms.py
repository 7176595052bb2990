"""Forms with a recording: reading their fields and files, and the answer of the model's thread."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from ...audio import files as audio
from ...editing.edit import MAX_SECONDS
from ...errors import UserError
from ...text.checks import check_text
from ...voices.recording import LONGEST_SECONDS
from ..errors import ApiError
from ..model_thread import Job
from ..service import Service
from ..speech_request import check_fields, read_json, read_options
from .bodies import limited
from .speech import job_results

LONGEST = max(MAX_SECONDS, LONGEST_SECONDS)


async def job_result(request: Request, job: Job) -> Any:
    """The only result of a job; it is cancelled if the client leaves. Raises ApiError."""
    (result,) = await job_results(request, job)
    return result


@asynccontextmanager
async def read_form(request: Request, service: Service, fields: tuple[str, ...]) -> AsyncIterator[FormData]:
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


def field(form: FormData, name: str) -> str | None:
    """A text field; None: it is missing or empty. Raises ApiError for a file."""
    value = form.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(f"{name} must be a text field, not a file", param=name)
    return value or None


def file_of(form: FormData) -> UploadFile:
    """The field `file`. Raises ApiError."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError("file must be a recording", param="file")
    return file


def text_of(form: FormData, name: str, service: Service) -> str:
    """A field with a text to speak. Raises ApiError."""
    text = (field(form, name) or "").replace("\r\n", "\n")  # a browser sends line breaks of a form so
    if len(text) > service.limits.max_characters:
        raise ApiError(f"{name} may have at most {service.limits.max_characters:,} characters", param=name)
    try:
        return check_text(text, name)
    except UserError as error:
        raise ApiError(str(error), param=name) from error


def number_of(form: FormData, name: str, default: float) -> float:
    """A field with a number. Raises ApiError."""
    try:
        value = float(field(form, name) or default)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ApiError(f"{name} must be a number", param=name)
    return value


def options_of_form(form: FormData) -> dict[str, Any]:
    """The field `options`, a JSON object, checked. Raises ApiError."""
    value = field(form, "options")
    return {} if value is None else read_options(read_json(value.encode()))


def format_of(form: FormData, formats: Collection[str], default: str) -> str:
    """The field `response_format`. Raises ApiError if it is none of `formats`."""
    name = field(form, "response_format") or default
    if name not in formats:
        raise ApiError(f"response_format must be one of {', '.join(formats)}", param="response_format")
    return name


@contextlib.contextmanager
def stored(file: UploadFile) -> Iterator[Path]:
    """The recording in a file, until the block ends. Its name is ours, not the client's."""
    with tempfile.TemporaryDirectory(prefix="nanospeech-") as folder:
        path = Path(folder, "recording")
        with path.open("wb") as copy:
            while block := file.file.read(1 << 20):
                copy.write(block)
        yield path


async def read_recording(path: Path, longest: float = LONGEST) -> tuple[np.ndarray, int, str]:
    """See `audio.read_whole`. Raises ApiError. longest: in seconds."""
    try:
        return await asyncio.to_thread(audio.read_whole, path, "float64", longest)
    except UserError as error:
        message = str(error).replace(str(path), "the file")
        raise ApiError(message, param="file") from error


def encode(path: Path, wave: np.ndarray, rate: int, encoding: str | None) -> bytes:
    """A file in the format of the suffix of `path`, which is written; see `audio.write`. Raises ApiError."""
    try:
        audio.write(path, wave, rate, encoding)
    except UserError as error:
        raise ApiError(str(error).replace(str(path), path.suffix[1:]), param="response_format") from error
    return path.read_bytes()
