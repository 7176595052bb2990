"""`say` and `astream`: for people and for asyncio."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from backends import NAMES, Backend

TEXT = "The kettle is on, and the bread is warm. Nobody has come down to breakfast yet."


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained()


class FakePlayer:
    """Keeps what would be played."""

    last: FakePlayer | None = None

    def __init__(self, rate: int):
        self.waves, self.finished, self.stopped = [], False, False
        FakePlayer.last = self

    def put(self, wave):
        self.waves.append(wave)

    def finish(self):
        self.finished = True

    def stop(self):
        self.stopped = True


@pytest.fixture
def player(monkeypatch):
    monkeypatch.setattr("nanospeech_core.audio.player.Player", FakePlayer)
    monkeypatch.setattr(FakePlayer, "last", None)
    return FakePlayer


def test_say_plays_each_sentence_and_returns_all(model, player):
    speech = model.say(TEXT, voice="emma", seed=2)
    expected = model.generate(TEXT, voice="emma", seed=2)
    np.testing.assert_array_equal(speech.wave, expected)
    assert len(player.last.waves) == 2 and player.last.finished and not player.last.stopped
    np.testing.assert_array_equal(np.concatenate(player.last.waves), expected)
    assert speech.text == TEXT and [word.text for word in speech.words] == TEXT.split()
    assert speech.end == pytest.approx(len(expected) / 24000)


def test_say_need_not_play(model, player):
    speech = model.say("Hello.", play=False)
    assert player.last is None and len(speech.wave) > 4800


def test_the_player_stops_at_an_error(model, player, monkeypatch):
    def fails(mel):
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "decode_mel", fails)
    with pytest.raises(KeyboardInterrupt):
        model.say("Hello.")
    assert player.last.stopped and not player.last.finished


def test_say_of_the_package_loads_the_embedded_model_once(model, player):
    package = __import__(type(model).__module__.partition(".")[0])
    first = package.say("Hello.", play=False)
    began = time.perf_counter()
    second = package.say("Hello.", play=False)
    assert time.perf_counter() - began < 5
    np.testing.assert_array_equal(first.wave, second.wave)


def test_an_asynchronous_stream_is_the_stream(model):
    async def collect():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticker = asyncio.create_task(tick())
        chunks = [chunk async for chunk in model.astream(TEXT, voice="heart")]
        ticker.cancel()
        return chunks, ticks

    chunks, ticks = asyncio.run(collect())
    expected = list(model.stream(TEXT, voice="heart"))
    assert len(chunks) == len(expected) > 2 and ticks > 20  # the event loop went on
    np.testing.assert_array_equal(np.concatenate(chunks), np.concatenate(expected))


def test_two_asynchronous_streams_at_once(model):
    async def collect(text):
        return np.concatenate([chunk async for chunk in model.astream(text)])

    async def both():
        return await asyncio.gather(collect("One is here."), collect("Two are there."))

    one, two = asyncio.run(both())
    np.testing.assert_array_equal(one, np.concatenate(list(model.stream("One is here."))))
    np.testing.assert_array_equal(two, np.concatenate(list(model.stream("Two are there."))))


def test_leaving_early_ends_the_work(model):
    before = threading.active_count()

    async def leave():
        stream = model.astream("It goes on and on. " * 40)
        async for _ in stream:
            break
        await stream.aclose()

    began = time.perf_counter()
    asyncio.run(leave())
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before and time.perf_counter() - began < 10


def test_errors_come_out_of_the_stream(model):
    async def first():
        async for chunk in model.astream("..."):
            return chunk

    with pytest.raises(Exception, match="nothing to speak"):
        asyncio.run(first())
