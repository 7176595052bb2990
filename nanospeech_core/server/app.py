"""The server's routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from .api.access import Access, AccessMiddleware
from .api.lists import health, list_audio_models, list_models, list_voices, metrics, show_model
from .api.recordings import create_edit, create_voice
from .api.speech import create_speech, create_timed_speech
from .errors import ApiError, answer_api_error, answer_http_error, answer_unexpected
from .service import Service


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
