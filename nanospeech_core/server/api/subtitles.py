"""The times of words as JSON, SubRip or WebVTT; `POST /v1/audio/subtitles` makes them of given times."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...speech.speech import Speech, Word
from ...speech.timestamps import as_dict, as_srt, as_vtt
from ..errors import ApiError
from ..service import Service
from ..speech_request import check_fields, read_json
from .bodies import read_body

FORMATS = ("json", "srt", "vtt")
MAX_WORDS = 100_000
_WRITERS: dict[str, tuple[str, Callable[[Sequence[Speech]], str]]] = {
    "srt": ("application/x-subrip", as_srt),
    "vtt": ("text/vtt", as_vtt),
}


def times(speeches: Sequence[Speech], duration: float, name: str) -> Response:
    """The times of sentences and words in one of `FORMATS`; in JSON also those of phones.

    JSON has for each word its `place` too: the characters [start, end) of the text that was given.

    duration: of the recording, in seconds.
    """
    if name != "json":
        media_type, write = _WRITERS[name]
        return Response(write(speeches), media_type=f"{media_type}; charset=utf-8")
    result = as_dict(speeches)
    for sentence, speech in zip(result["sentences"], speeches, strict=True):
        for word, timed in zip(sentence["words"], speech.words, strict=True):
            word["place"] = timed.place
    return JSONResponse({**result, "duration": round(duration, 6)})


async def create_subtitles(request: Request) -> Response:
    """SubRip or WebVTT (`response_format`) of `sentences`, as the other endpoints answer with them."""
    service: Service = request.app.state.service
    body = read_json(await read_body(request, service.limits.max_upload))
    check_fields(body, ("sentences", "response_format"))
    name = body.get("response_format")
    if not isinstance(name, str) or name not in _WRITERS:
        raise ApiError(f"response_format must be one of {', '.join(_WRITERS)}", param="response_format")
    try:
        return times([_sentence(entry) for entry in _entries(body["sentences"])], 0.0, name)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        message = "sentences must have a text and words in order, each with text, start and end in seconds"
        raise ApiError(message, param="sentences") from error


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_WORDS:
        raise TypeError
    return value


def _sentence(entry: Mapping[str, Any]) -> Speech:
    """A sentence without its sound. Raises KeyError, TypeError or ValueError if it is none."""
    text = _text(entry["text"])
    words, at = [], 0
    for word in _entries(entry["words"]):
        each = Word(_text(word["text"]), _seconds(word["start"]), _seconds(word["end"]), ())
        at = text.index(each.text, at) + len(each.text)
        words.append(each)
    return Speech(np.zeros(0, np.float32), text, 0.0, 0.0, tuple(words))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not 0 <= float(value) < math.inf or isinstance(value, str):
        raise ValueError
    return float(value)
