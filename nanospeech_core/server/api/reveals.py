"""`POST /v1/audio/reveals`: how masked decoding makes a text's speech, iteration by iteration."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...audio.mel import FRAME_RATE, LOG_FLOOR
from ...pipeline import Pipeline, make_options
from ...sampling.samplers import with_sampler
from ...synthesis.frontend import prepare_text
from ...synthesis.segments import Segment, segment_jobs
from ...synthesis.streaming import stream_plan
from ..errors import ApiError
from ..model_thread import Steps
from ..service import Service
from ..speech_request import OPTIONS, check_fields, read_input, read_json, read_options, read_voice
from ..voices import find_voice_name
from .bodies import read_body
from .speech import job_results

MAX_CHARACTERS = 400
FIELDS = ("input", "voice", "stream", *OPTIONS)
LEVELS = float(np.log(LOG_FLOOR)), 4.5  # log-mels that are 0 and 255


async def show_reveals(request: Request) -> Response:
    """The reveal plan of each segment of a text, and the mel after each iteration.

    Fields: those of speech that have an effect, and `stream`: the plan of streaming, from left to right.
    """
    service: Service = request.app.state.service
    body = read_json(await read_body(request, service.limits.max_body))
    check_fields(body, FIELDS)
    text = read_input(body, min(MAX_CHARACTERS, service.limits.max_characters))
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise ApiError("stream must be true or false", param="stream")
    options = read_options({name: body[name] for name in OPTIONS if name in body})
    service.check_reads(options)
    if stream:
        options.pop("order", None)
    voice = find_voice_name(read_voice(body.get("voice")), text, options.get("lang"), await service.voices())

    def steps(model: Pipeline) -> Steps:
        return reveal_steps(model, text, {**options, "voice": voice, "stream": stream})

    segments: list[dict[str, Any]] = []
    for segment, iteration in await job_results(request, await service.submit(steps)):
        if not iteration:
            segments.append({**segment, "iterations": []})
        else:
            segments[-1]["iterations"].append(iteration)
    return JSONResponse({"levels": LEVELS, "segments": segments})


def reveal_steps(model: Pipeline, text: str, options: Mapping[str, Any]) -> Steps:
    """Each segment of a text, then its iterations one by one: (segment, {}) and ({}, iteration).

    Raises ApiError if the sampler is not masked decoding alone.
    """
    checked = with_sampler(make_options(**options), model.config)
    if checked.sampler != "masked":
        message = f"only the sampler masked reveals tokens in an order, not {checked.sampler}"
        raise ApiError(message, param="sampler")
    prepared = prepare_text(text, model.config, model.folder, checked, model.aligner, model.references)
    for job in segment_jobs(model, prepared, checked):
        prompt, patch = job.segment.prompt, model.config.transformer.patch
        if checked.stream:
            plan = stream_plan(model, job.segment, job.seed, checked)
        else:
            plan = model.plan(prompt, job.seed, checked)
        first = prompt.start
        yield (_describe(job.segment, len(prompt.cond) - first, patch), {}), 0.0
        steps = model.sample_steps([prompt], [job.seed], checked, [plan])
        for revealed, (_, estimate) in zip(plan.reveal, steps, strict=True):
            mel = model.to_mel_frames(model.array(estimate)[0], prompt)
            iteration = {"tokens": (revealed - first).tolist(), "mel": _as_bytes(mel)}
            yield ({}, iteration), 0.0
        model.free_memory()


def _describe(segment: Segment, tokens: int, patch: int) -> dict[str, Any]:
    return {
        "text": segment.utterance.text,
        "tokens": tokens,
        "token_seconds": patch / FRAME_RATE,
        "frames": tokens * patch,
        "bins": segment.prompt.cond.shape[1] // patch,
    }


def _as_bytes(mel: np.ndarray) -> str:
    """Log-mel [frames, bins] as a byte each, frame by frame, in base64; see `LEVELS`."""
    low, high = LEVELS
    scaled = np.clip((mel - low) / (high - low), 0, 1) * 255
    return base64.b64encode(scaled.round().astype(np.uint8).tobytes()).decode()
