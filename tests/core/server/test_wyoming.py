"""Wyoming, with the library's own client: voices, speech, streamed text, and events that are wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra [serve]")
pytest.importorskip("wyoming", reason="needs the extra [wyoming]")

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from nanospeech_core.audio.wav_stream import pcm16
from nanospeech_core.server.service import Limits, Service
from nanospeech_core.server.sockets import open_socket
from nanospeech_core.server.wyoming import locale, serve

SENTENCES = ["The lights in the kitchen are on now.", "The front door has been locked since nine o'clock."]
TEXT = " ".join(SENTENCES)


@pytest.fixture(scope="module")
def service(embedded):
    one = Service(lambda: embedded, Limits(max_characters=500))
    one.start()
    yield one
    one.stop()


async def connect(client: AsyncTcpClient) -> None:
    """Wait until the server listens."""
    while True:
        try:
            await client.connect()
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            await client.disconnect()
            return


def talk(service, conversation):
    """Run conversation(client) with a client of a server; returns its result."""

    async def run():
        with open_socket("127.0.0.1", 0) as bound:
            task = asyncio.create_task(serve(service, "1.0", bound))
            try:
                client = AsyncTcpClient(*bound.getsockname())
                await connect(client)
                async with client:
                    return await asyncio.wait_for(conversation(client), 60)
            finally:
                task.cancel()
                await asyncio.wait([task])

    return asyncio.run(run())


async def receive(client, last: str) -> list:
    """All events up to the first of a type."""
    events = []
    while not events or events[-1].type != last:
        event = await client.read_event()
        assert event is not None, f"the server closed the connection after {[e.type for e in events]}"
        events.append(event)
    return events


def audio(events: list) -> bytes:
    """The samples between one audio-start and one audio-stop."""
    kinds = [event.type for event in events if event.type.startswith("audio")]
    assert kinds[0] == "audio-start" and kinds[-1] == "audio-stop" and set(kinds[1:-1]) == {"audio-chunk"}
    start = AudioStart.from_event(next(event for event in events if AudioStart.is_type(event.type)))
    assert (start.rate, start.width, start.channels) == (24000, 2, 1)
    return b"".join(AudioChunk.from_event(e).audio for e in events if AudioChunk.is_type(e.type))


def test_describe_names_the_voices_and_their_languages(service):
    async def conversation(client):
        await client.write_event(Describe().event())
        return Info.from_event(await client.read_event())

    (program,) = talk(service, conversation).tts
    assert program.supports_synthesize_streaming and program.installed
    assert {voice.name: voice.languages for voice in program.voices} == {
        "heart": ["en-US"],
        "michael": ["en-US"],
        "emma": ["en-GB"],
        "george": ["en-GB"],
        "xiaoxiao": ["zh-CN"],
        "yunxi": ["zh-CN"],
    }
    assert all(voice.attribution.name and voice.version == "1.0" for voice in program.voices)


def test_locales():
    assert [locale(code) for code in ("en-us", "en-gb", "zh", "de")] == ["en-US", "en-GB", "zh-CN", "de"]


@pytest.mark.parametrize("voice", [None, SynthesizeVoice(name="emma"), SynthesizeVoice(language="en_GB")])
def test_a_text_is_spoken_as_the_model_streams_it(service, embedded, voice):
    async def conversation(client):
        await client.write_event(Synthesize(text=TEXT, voice=voice).event())
        return await receive(client, "audio-stop")

    options = {} if voice is None else {"voice": "emma", **({} if voice.name else {"lang": "en-gb"})}
    expected = np.concatenate(list(embedded.stream(TEXT, **options)))
    assert audio(talk(service, conversation)) == pcm16(expected).tobytes()


def pieces(size: int) -> list[str]:
    return [TEXT[start : start + size] for start in range(0, len(TEXT), size)]


async def send_streamed(client, parts):
    await client.write_event(SynthesizeStart(voice=SynthesizeVoice(name="heart")).event())
    for part in parts:
        await client.write_event(SynthesizeChunk(text=part).event())
    await client.write_event(Synthesize(text=TEXT, voice=SynthesizeVoice(name="heart")).event())
    await client.write_event(SynthesizeStop().event())


@pytest.mark.parametrize("size", [3, 1000])
def test_streamed_text_is_spoken_once_whatever_its_pieces(service, embedded, size):
    async def conversation(client):
        await send_streamed(client, pieces(size))
        events = await receive(client, "synthesize-stopped")
        await client.write_event(Ping(text="still here").event())
        assert Pong.from_event(await client.read_event()).text == "still here"
        return events

    options = {"voice": "heart", "stream": True, "standalone": False}
    chunks = [speech.wave for text in SENTENCES for speech in embedded.speak(text, **options)]
    expected = pcm16(np.concatenate(chunks)).tobytes()
    assert audio(talk(service, conversation)) == expected


SSML = (
    '<speak>The lights are <break time="300ms"/> on. <voice name="emma">The door is locked.</voice></speak>'
)


@pytest.mark.parametrize("text_format", ["ssml", None])
def test_ssml(service, embedded, text_format):
    async def conversation(client):
        await client.write_event(Synthesize(text=SSML, text_format=text_format).event())
        return await receive(client, "audio-stop")

    assert audio(talk(service, conversation)) == pcm16(np.concatenate(list(embedded.stream(SSML)))).tobytes()


def test_streamed_ssml_is_spoken_when_it_is_complete(service, embedded):
    async def conversation(client):
        await client.write_event(SynthesizeStart(text_format="ssml").event())
        for start in range(0, len(SSML), 7):
            await client.write_event(SynthesizeChunk(text=SSML[start : start + 7]).event())
        await client.write_event(Synthesize(text=SSML).event())
        await client.write_event(SynthesizeStop().event())
        return await receive(client, "synthesize-stopped")

    assert audio(talk(service, conversation)) == pcm16(np.concatenate(list(embedded.stream(SSML)))).tobytes()


def test_the_first_sentence_is_heard_before_the_text_ends(service):
    async def conversation(client):
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk(text=SENTENCES[0] + " And").event())
        events = await receive(client, "audio-chunk")  # the text has no end yet
        await client.write_event(SynthesizeChunk(text=" then.").event())
        await client.write_event(SynthesizeStop().event())
        return events + await receive(client, "synthesize-stopped")

    audio(talk(service, conversation))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Synthesize(text="..."), "nothing to speak"),
        (Synthesize(text=""), "input is empty"),
        (Synthesize(text="x " * 300), "more than 500"),
        (Synthesize(text="Hi.", voice=SynthesizeVoice(name="../heart")), "there is no voice"),
        (Synthesize(text="<speak/>", text_format="ssml"), "nothing to speak"),
        (
            Synthesize(text="<speak>a</p>", text_format="ssml"),
            "SSML, line 1, column 9: <speak> is not closed",
        ),
        (Synthesize(text="Hi <break/>", text_format="ssml"), "is not SSML: it must begin with <speak>"),
        (Synthesize(text="Hi.", text_format="html"), "the text format 'html' is not supported"),
        (Synthesize(text=5), "the text must be a string"),
        (b'{"type": "synthesize", "data": {"text": "a", "voice": {"name": "\\ud800"}}}\n', 'voice "\\ud800"'),
    ],
)
def test_an_error_is_an_event_and_the_connection_goes_on(service, event, message):
    async def conversation(client):
        if isinstance(event, bytes):  # the library cannot send it
            client._writer.write(event)
        else:
            await client.write_event(event.event())
        error = Error.from_event(await client.read_event())
        assert not [task for task in asyncio.all_tasks() if "_speak" in repr(task.get_coro())]
        await client.write_event(Synthesize(text="Hi there.").event())
        return error, await receive(client, "audio-stop")

    error, events = talk(service, conversation)
    assert message in error.text and error.code
    audio(events)


def test_streamed_text_without_words_still_stops(service):
    async def conversation(client):
        await send_streamed(client, ["...", " !"])
        return await receive(client, "synthesize-stopped")

    assert [event.type for event in talk(service, conversation)] in (
        ["synthesize-stopped", "error"],
        ["error", "synthesize-stopped"],
        ["synthesize-stopped"],
    )


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b"[]\n",
        b"{}\n",
        b'{"type": 3}\n',
        b'{"type": "synthesize", "data": []}\n',
        b'{"type": "synthesize", "data_length": 99999999999}\n',
        b'{"type": "synthesize", "payload_length": -1}\n',
        b"\xff\xfe\n",
        b"x" * 3_000_000,
    ],
)
def test_what_is_no_event_ends_its_connection_only(service, line, capsys):
    @asynccontextmanager
    async def another(client):
        other = AsyncTcpClient(client.host, client.port)
        await other.connect()
        yield other
        with suppress(ConnectionError):
            await other.disconnect()

    async def conversation(client):
        async with another(client) as strange:
            with suppress(ConnectionError):  # a line that is not read to its end
                strange._writer.write(line)
                strange._writer.write_eof()
                assert await strange.read_event() is None
        async with another(client) as other:
            await other.write_event(Ping().event())
            assert Pong.is_type((await other.read_event()).type)

    talk(service, conversation)
    assert "Traceback" not in capsys.readouterr().err


def test_a_client_that_leaves_ends_its_work(service):
    async def conversation(client):
        await client.write_event(Synthesize(text="It goes on and on. " * 26).event())
        await receive(client, "audio-chunk")
        assert service.model.jobs
        await client.disconnect()
        for _ in range(200):
            if not service.model.jobs:
                return True
            await asyncio.sleep(0.05)
        return False

    assert talk(service, conversation)


def test_stop_and_chunk_without_a_start_are_ignored(service):
    async def conversation(client):
        for event in (SynthesizeStop(), SynthesizeChunk(text="x"), AudioStop(), Ping()):
            await client.write_event(event.event())
        return await client.read_event()

    assert Pong.is_type(talk(service, conversation).type)
    assert SynthesizeStopped.is_type("synthesize-stopped")
