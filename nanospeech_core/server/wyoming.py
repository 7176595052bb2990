"""Wyoming, Home Assistant's protocol for voice: events as JSON lines with PCM, over TCP.

`describe` is answered with the voices, `synthesize` with a text's audio. Streamed text (`synthesize-start`,
`-chunk`, `-stop`) is spoken sentence by sentence while more of it arrives; SSML when it is complete. Its
client also sends the whole text as an old `synthesize`, between start and stop, which is ignored then.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from ..audio.mel import SAMPLE_RATE
from ..audio.wav_stream import pcm16
from ..system.process import note
from ..text.languages import find_code
from ..text.markdown.sentence_stream import SentenceStream
from ..text.ssml.xml import is_ssml
from ..voices.store import Voice
from .errors import ApiError, encodable
from .model_thread import Job
from .service import Service, as_api_error
from .speech_request import SpeechRequest, read_input, read_options

PROGRAM = "nanospeech-mar"
URL = "https://github.com/lucasnewman/nanospeech"  # what the model is based on
CHUNK = 2400  # samples in an audio event
MAX_EVENT = 1 << 20  # bytes of an event
_REGIONS = {"zh": "zh-CN"}
_FORMAT: dict[str, int] = {"rate": SAMPLE_RATE, "width": 2, "channels": 1}


def locale(language: str) -> str:
    """A language in the form that Home Assistant compares: en-US, zh-CN."""
    base, _, region = language.partition("-")
    return _REGIONS.get(language, f"{base}-{region.upper()}" if region else base)


def describe(voices: list[Voice], version: str) -> Info:
    """What there is to choose from."""
    attribution = Attribution(PROGRAM, URL)
    rows = [
        TtsVoice(
            name=voice.name,
            attribution=attribution,
            installed=True,
            description=voice.description or voice.name,
            version=version,
            languages=[locale(voice.language)],
        )
        for voice in voices
    ]
    program = TtsProgram(
        name=PROGRAM,
        attribution=attribution,
        installed=True,
        description="Masked autoregressive speech",
        version=version,
        voices=rows,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])


class LimitedReader:
    """A stream whose events have at most `MAX_EVENT` bytes: the sender names their length."""

    def __init__(self, reader: asyncio.StreamReader):
        self._reader = reader

    async def readline(self) -> bytes:
        """The next line. Raises ValueError if it is too long, or names too long a part."""
        line = await self._reader.readline()
        if line:
            event = json.loads(line)
            if not isinstance(event, dict) or not isinstance(event.get("type"), str):
                raise ValueError("an event must be an object with a type")
            for name in ("data_length", "payload_length"):
                length = event.get(name) or 0
                if not isinstance(length, int) or not 0 <= length <= MAX_EVENT:
                    raise ValueError(f"{name} is out of range")
            if not isinstance(event.get("data", {}), dict):
                raise ValueError("data must be an object")
        return line

    async def readexactly(self, count: int) -> bytes:
        """The next bytes."""
        return await self._reader.readexactly(count)

    def feed_eof(self) -> None:
        """See `asyncio.StreamReader`."""
        self._reader.feed_eof()


class Connection(AsyncEventHandler):
    """The events of one client."""

    def __init__(
        self, service: Service, version: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ):
        super().__init__(LimitedReader(reader), writer)  # type: ignore[arg-type]  # what the library calls of it
        self.service, self.version = service, version
        self._speech: StreamedText | None = None

    async def handle_event(self, event: Event) -> bool:
        """Answer an event. Returns whether the connection goes on."""
        try:
            return await self._answer(event)
        except ApiError as error:
            await self._report(error)
        except (KeyError, TypeError, AttributeError) as error:  # a field is missing, or of another type
            await self._report(
                ApiError(f"the event {event.type!r:.40} has a missing or wrong field: {error}")
            )
        return True

    async def _answer(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(describe(await self.service.voices(fresh=True), self.version).event())
        elif Ping.is_type(event.type):
            await self.write_event(Pong(Ping.from_event(event).text).event())
        elif Synthesize.is_type(event.type):
            if self._speech is None:  # else it is the whole of the text that comes in pieces
                whole = Synthesize.from_event(event)
                speech = StreamedText(self, whole.voice, whole.text_format)
                try:
                    await speech.add(whole.text, complete=True)
                    await speech.finish()
                except BaseException:
                    await speech.cancel()  # its task would wait for more text for ever
                    raise
        elif SynthesizeStart.is_type(event.type):
            start = SynthesizeStart.from_event(event)
            await self._end_speech()
            self._speech = StreamedText(self, start.voice, start.text_format)
        elif SynthesizeChunk.is_type(event.type) and self._speech is not None:
            await self._speech.add(SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(event.type) and self._speech is not None:
            speech, self._speech = self._speech, None
            try:
                await speech.finish()
            finally:
                await self.write_event(SynthesizeStopped().event())
        return True

    async def _report(self, error: ApiError) -> None:
        await self.write_event(Error(encodable(error.message), error.code or "synthesis-failed").event())

    async def disconnect(self) -> None:
        """The client has left."""
        await self._end_speech()

    async def _end_speech(self) -> None:
        speech, self._speech = self._speech, None
        if speech is not None:
            await speech.cancel()


class StreamedText:
    """Speaks a text that comes in pieces, each sentence as soon as it is complete, in order.

    Raises ApiError, in all methods, for a text or a voice that is refused.
    """

    def __init__(
        self,
        connection: Connection,
        voice: SynthesizeVoice | None,
        text_format: str | SynthesizeTextFormat | None,
    ):
        if text_format not in (None, SynthesizeTextFormat.TEXT, SynthesizeTextFormat.SSML):
            raise ApiError(f"the text format {str(text_format)!r:.40} is not supported: send text or ssml")
        self._connection = connection
        self._voice = None if voice is None else voice.name
        language = None if voice is None or voice.language is None else find_code(voice.language)
        self._options = read_options({} if language is None else {"lang": language})
        self._sentences = SentenceStream(language=language or "en-us")
        self._characters, self._whole = 0, False
        # The pieces of a text in SSML, which cannot be read before it is complete; None: it is plain text.
        self._ssml: list[str] | None = [] if text_format == SynthesizeTextFormat.SSML else None
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self._job: Job | None = None
        self._task = asyncio.create_task(self._speak())

    async def add(self, text: str, complete: bool = False) -> None:
        """Add a piece; `complete`: it is the whole text, whose Markdown is kept as it is."""
        if not isinstance(text, str):
            raise ApiError("the text must be a string")
        self._characters, self._whole = self._characters + len(text), complete
        most = self._connection.service.limits.max_characters
        if self._characters > most:
            await self.cancel()
            raise ApiError(f"the text has more than {most:,} characters")
        if self._ssml is not None:
            self._ssml.append(text)
            return
        for sentence in [text] if complete else self._sentences.feed(text):
            self._waiting.put_nowait(sentence)

    async def finish(self) -> None:
        """End the text; returns when all of it was sent."""
        if self._ssml is not None:
            self._whole, text = True, "".join(self._ssml)
            if not is_ssml(text):
                await self.cancel()
                raise ApiError("the text is not SSML: it must begin with <speak>")
            self._waiting.put_nowait(text)
        for sentence in self._sentences.finish():
            self._waiting.put_nowait(sentence)
        self._waiting.put_nowait(None)
        await self._task

    async def cancel(self) -> None:
        """End the speech after the current step."""
        self._task.cancel()
        if self._job is not None:
            self._job.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def _speak(self) -> None:
        write, started = self._connection.write_event, False
        try:
            while (text := await self._waiting.get()) is not None:
                self._job = await self._connection.service.begin(self._request(text))
                async for speech in self._job:
                    if not started:
                        await write(AudioStart(**_FORMAT).event())
                        started = True
                    for start in range(0, len(speech.wave), CHUNK):
                        await write(_audio(speech.wave[start : start + CHUNK]))
        except Exception as error:
            if started and not isinstance(error, OSError):
                await write(AudioStop().event())
            raise as_api_error(error) from error
        finally:  # after a cancellation nothing may be waited for, not even a client that does not read
            if self._job is not None:
                self._job.cancel()
        if started:
            await write(AudioStop().event())
        if not started:
            raise ApiError("there is nothing to speak")

    def _request(self, text: str) -> SpeechRequest:
        checked = read_input({"input": text}, self._connection.service.limits.max_characters)
        return SpeechRequest(checked, self._voice, options=self._options, standalone=self._whole)


def _audio(wave: np.ndarray) -> Event:
    return AudioChunk(audio=pcm16(wave).tobytes(), **_FORMAT).event()


async def serve(service: Service, version: str, bound: socket.socket) -> None:
    """Answer clients at a socket until the task is cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Connection(service, version, reader, writer).run()
        except (OSError, EOFError, ValueError):  # the client has left, or sent what is no event
            writer.close()
        except asyncio.CancelledError:  # the server stops
            writer.close()
        except Exception as error:
            writer.close()
            note(f"failed: {type(error).__name__}: {' '.join(str(error).split())}")

    server = await asyncio.start_server(connected, sock=bound, limit=MAX_EVENT)
    async with server:
        await server.serve_forever()
