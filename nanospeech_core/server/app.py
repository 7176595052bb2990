"""The server's routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .access import Access, AccessMiddleware
from .errors import ApiError, answer_api_error, answer_http_error, answer_unexpected
from .recordings import create_edit, create_voice
from .service import Service
from .speech import create_speech, create_timed_speech
from .speech_request import MODELS
from .voices import ALIASES


def create_app(service: Service, access: Access) -> Starlette:
    """The ASGI application of a started service."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        service.stop()

    routes = [
        Route("/v1/audio/speech", create_speech, methods=["POST"]),
        Route("/v1/audio/speech/timestamps", create_timed_speech, methods=["POST"]),
        Route("/v1/audio/edits", create_edit, methods=["POST"]),
        Route("/v1/audio/voices", list_voices, methods=["GET"]),
        Route("/v1/audio/voices", create_voice, methods=["POST"]),
        Route("/v1/audio/models", list_audio_models),
        Route("/v1/models", list_models),
        Route("/v1/models/{model}", show_model),
        Route("/health", health),
        Route("/metrics", metrics),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            ApiError: answer_api_error,
            HTTPException: answer_http_error,
            Exception: answer_unexpected,
        },
        lifespan=lifespan,
    )
    app.state.service = service
    app.add_middleware(AccessMiddleware, access=access, metrics=service.metrics)
    return app


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
