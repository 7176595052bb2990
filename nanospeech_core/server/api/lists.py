"""What there is: voices, models; and how the server is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..errors import ApiError
from ..speech_request import MODELS
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
