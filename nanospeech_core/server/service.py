"""What the endpoints share: the model's thread, the voices, the limits and the metrics."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..audio.mel import SAMPLE_RATE
from ..errors import UserError
from ..pipeline import Pipeline
from ..text.ssml.xml import spoken_text
from ..voices.store import Voice
from .errors import ApiError
from .metrics import Metrics
from .model_thread import Busy, Job, ModelThread, Steps, Stopping
from .speech_request import SpeechRequest, check_reads
from .voices import find_voice_name

WARM_UP = ("Hello there.", "你好。")  # spoken before the server listens
PLACE_SECONDS = 3.0  # that a request waits for a place
TICK = 0.05  # seconds between two looks for a place
VOICES_SECONDS = 2.0  # for so long the list of voices is not read again


@dataclass(frozen=True)
class Limits:
    """What one request, and all together, may ask for."""

    max_characters: int = 4096  # of a text, as in OpenAI's API
    max_jobs: int = 64  # requests at a time, the waiting ones included
    max_body: int = 1 << 20  # bytes
    max_upload: int = 32 << 20  # bytes of a recording with its fields


class Service:
    """A loaded model for the endpoints.

    Args:
        load: returns the model; called in the model's thread.
        limits: of requests.
        allow_uploads: whether clients may store voices.
    """

    def __init__(
        self, load: Callable[[], Pipeline], limits: Limits | None = None, allow_uploads: bool = False
    ):
        self.limits = limits or Limits()
        self.allow_uploads = allow_uploads
        self.model = ModelThread(lambda: _warmed(load()), self.limits.max_jobs)
        self.metrics = Metrics(lambda: len(self.model.jobs))
        self._line: deque[object] = deque()  # the requests that wait for a place; used in the event loop
        self._voices: tuple[float, list[Voice]] = (-VOICES_SECONDS, [])
        self._voices_lock = threading.Lock()

    def start(self) -> None:
        """Load the model and speak once. Raises UserError if that fails."""
        self.model.start()

    def end(self) -> None:
        """End all requests after the current step; returns at once."""
        self.model.end()

    def stop(self) -> None:
        """`end`, and wait for the step."""
        self.model.stop()

    async def voices(self, fresh: bool = False) -> list[Voice]:
        """All voices. They are read again after two seconds, or at once if `fresh`."""
        return await asyncio.to_thread(self._read_voices, fresh)

    def _read_voices(self, fresh: bool) -> list[Voice]:
        with self._voices_lock:
            read, voices = self._voices
            if fresh or time.monotonic() - read >= VOICES_SECONDS:
                voices = self.model.model.voices()
                self._voices = time.monotonic(), voices
            return voices

    async def begin(self, request: SpeechRequest) -> Job:
        """Begin to speak; the job's results are `Speech`. Raises ApiError."""
        self.check_reads(request.options)
        lang = request.options.get("lang")
        voice = find_voice_name(request.voice, spoken_text(request.text), lang, await self.voices())

        def steps(model: Pipeline) -> Steps:
            options = {**request.options, "stream": request.streamed}
            if request.streamed:  # from left to right; the client may not know that its answer is
                options.pop("order", None)
            for speech in model.speak(request.text, voice, standalone=request.standalone, **options):
                self.metrics.audio_seconds.inc(len(speech.wave) / SAMPLE_RATE)
                yield speech, len(speech.wave) / SAMPLE_RATE

        return await self.submit(steps)

    def check_reads(self, options: Mapping[str, Any]) -> None:
        """Raise ApiError for an option that the sampler does not read."""
        if options:
            check_reads(options, self.model.model.config)

    async def submit(self, steps: Callable[[Pipeline], Steps]) -> Job:
        """Begin any work with the model. Raises ApiError if there is too much of it, or the server stops.

        If all places are taken, it waits for one in the order of arrival. Without this line, a client that is
        done would always get its place again, before those that were refused and come back a second later.
        """
        ticket, last = object(), time.monotonic() + PLACE_SECONDS
        full = len(self._line) >= self.limits.max_jobs
        self._line.append(ticket)
        try:
            while True:
                try:
                    return self.model.submit(steps, full or self._line[0] is not ticket)
                except Busy:
                    if full or time.monotonic() > last:
                        raise
                await asyncio.sleep(TICK)
        except Busy as busy:
            headers = {"Retry-After": str(busy.retry_after)}
            raise ApiError(f"the server has {busy}", 503, code="server_busy", headers=headers) from busy
        except Stopping as stopping:
            raise as_api_error(stopping) from stopping
        finally:
            self._line.remove(ticket)


def as_api_error(error: BaseException) -> ApiError:
    """The answer to an exception of a job."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, UserError):  # of a text or an option: only the client can mend it
        flag = re.match(r"--([a-z_-]+) ", str(error))  # what the command line calls a field
        if flag is not None:
            return ApiError(str(error).removeprefix("--"), param=flag[1].replace("-", "_"))
        return ApiError(str(error))
    if isinstance(error, Stopping):
        return ApiError(str(error), 503, code="server_stopping")
    raise error


def _warmed(model: Pipeline) -> Pipeline:
    model.workers = 1  # the model's thread does all the work
    for text in WARM_UP:
        for _ in model.stream(text):
            pass
    return model
