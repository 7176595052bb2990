"""The server's routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from .api.access import Access, AccessMiddleware
from .api.lists import (
    health,
    list_audio_models,
    list_models,
    list_options,
    list_voices,
    metrics,
    show_model,
)
from .api.recordings import create_alignment, create_conversion, create_edit, create_voice
from .api.reveals import show_reveals
from .api.speech import create_speech, create_timed_speech
from .api.subtitles import create_subtitles
from .api.transcriptions import create_transcription
from .errors import ApiError, answer_api_error, answer_http_error, answer_unexpected
from .service import Service
from .studio.page import PATHS, show_page


def create_app(service: Service, access: Access) -> Starlette:
    """The ASGI application of a started service."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.stop)

    routes = [
        Route("/v1/audio/speech", create_speech, methods=["POST"]),
        Route("/v1/audio/speech/timestamps", create_timed_speech, methods=["POST"]),
        Route("/v1/audio/edits", create_edit, methods=["POST"]),
        Route("/v1/audio/alignments", create_alignment, methods=["POST"]),
        Route("/v1/audio/conversions", create_conversion, methods=["POST"]),
        Route("/v1/audio/subtitles", create_subtitles, methods=["POST"]),
        Route("/v1/audio/transcriptions", create_transcription, methods=["POST"]),
        Route("/v1/audio/reveals", show_reveals, methods=["POST"]),
        Route("/v1/audio/options", list_options),
        Route("/v1/audio/voices", list_voices, methods=["GET"]),
        Route("/v1/audio/voices", create_voice, methods=["POST"]),
        Route("/v1/audio/models", list_audio_models),
        Route("/v1/models", list_models),
        Route("/v1/models/{model}", show_model),
        *(Route(path, show_page) for path in PATHS),
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
