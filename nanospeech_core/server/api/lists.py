"""What there is: voices, models, options; and how the server is."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ...sampling.option_fields import Option, options_of
from ...sampling.options import GenerateOptions
from ...sampling.samplers import sampler_of
from ..errors import ApiError
from ..service import Service
from ..speech_request import LIMITS, MODELS, OPTIONS
from ..voices import ALIASES


async def list_voices(request: Request) -> Response:
    """The voices, OpenAI's names for them included; Open WebUI reads `id` and `name`."""
    voices = await request.app.state.service.voices(fresh=True)
    rows = [
        {"id": v.name, "name": v.name, "language": v.language, "description": v.description} for v in voices
    ]
    taken = {voice.name for voice in voices}
    rows += [
        {"id": alias, "name": alias, "description": f"speaks as {' or '.join(names)}"}
        for alias, names in ALIASES.items()
        if alias not in taken
    ]
    return JSONResponse({"voices": rows})


async def list_options(request: Request) -> Response:
    """The options of sampling that a request may have, as the command line declares them."""
    service: Service = request.app.state.service
    config = service.model.model.config
    usual = {**asdict(config.sampling), "sampler": sampler_of(GenerateOptions(), config)}
    declared = options_of(GenerateOptions)
    rows = [_option(declared[name], usual.get(name)) for name in OPTIONS]
    return JSONResponse({"options": rows, "max_characters": service.limits.max_characters})


def _option(option: Option, usual: object) -> dict[str, Any]:
    """An option. default: null is the model's own, `model_default`, where it has one."""
    most = min(option.most, LIMITS.get(option.name, math.inf))
    names = {int: "integer", float: "number", bool: "boolean", str: "string"}
    return {
        "name": option.name,
        "flag": option.flag,
        "type": names[option.types[0]] if len(option.types) == 1 else "object",
        "default": option.default,
        "model_default": usual if option.default is None else option.default,
        "least": option.least if math.isfinite(option.least) else None,
        "most": most if math.isfinite(most) else None,
        "choices": list(option.choices),
        "samplers": list(option.samplers),
        "help": option.help,
    }


async def list_audio_models(_: Request) -> Response:
    """The models, as Open WebUI reads them."""
    return JSONResponse({"models": [{"id": name, "name": name} for name in MODELS]})


async def list_models(_: Request) -> Response:
    """The models, as OpenAI lists them."""
    return JSONResponse({"object": "list", "data": [_model(name) for name in MODELS]})


async def show_model(request: Request) -> Response:
    """One model."""
    name = request.path_params["model"]
    if name not in MODELS:
        raise ApiError(f'there is no model "{name:.60}"', 404, "model", "model_not_found")
    return JSONResponse(_model(name))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "nanospeech-mar"}


async def health(request: Request) -> Response:
    """Whether the model's thread lives, and how many requests it has."""
    model = request.app.state.service.model
    body = {"status": "ok" if model.alive else "failed", "active_jobs": len(model.jobs)}
    return JSONResponse(body, 200 if model.alive else 500)


async def metrics(request: Request) -> Response:
    """The metrics, for Prometheus."""
    text = request.app.state.service.metrics.text().decode()
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")
