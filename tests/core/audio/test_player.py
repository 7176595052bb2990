"""The player, on a sound device that records its calls."""

import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
from commands import environment

from nanospeech_core.audio.player import AHEAD_SECONDS, BLOCK_SECONDS, Player, check_player
from nanospeech_core.errors import UserError

RATE = 1000
BLOCK = round(BLOCK_SECONDS * RATE)


class PortAudioError(Exception):
    pass


class Device:
    """As slow as it is asked to be."""

    def __init__(self):
        self.calls: list[str] = []
        self.played: list[float] = []
        self.gate = threading.Event()  # closed: `write` waits
        self.gate.set()
        self.error: PortAudioError | None = None

    def OutputStream(self, rate, *, channels, dtype):
        assert (rate, channels, dtype) == (RATE, 1, "float32")
        return self

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def abort(self):
        self.calls.append("abort")

    def write(self, block):
        if self.error:
            raise self.error
        assert block.shape == (len(block), 1) and 0 < len(block) <= BLOCK
        self.played += block[:, 0].tolist()
        self.gate.wait(10)


@pytest.fixture
def device(monkeypatch) -> Device:
    device = Device()
    module = types.SimpleNamespace(OutputStream=device.OutputStream, PortAudioError=PortAudioError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return device


def wave(value: float, length: int = 3 * BLOCK + 7) -> np.ndarray:
    return np.full(length, value, dtype=np.float32)


def wait_until(condition) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_everything_is_played_in_order(device):
    player = Player(RATE)
    player.finish()  # nothing is playing
    device.gate.clear()
    player.put(wave(1.0))
    player.put(wave(2.0))  # does not wait for the first
    assert len(device.played) <= BLOCK
    device.gate.set()
    player.finish()
    assert device.played == [*wave(1.0), *wave(2.0)]
    assert device.calls == ["start", "stop"]  # no gap between them
    player.put(wave(3.0))
    player.finish()
    assert len(device.played) == 3 * len(wave(1.0)) and device.calls == ["start", "stop"] * 2


def test_stop_is_at_once_and_forgets_what_waits(device):
    player = Player(RATE)
    device.gate.clear()
    player.put(wave(1.0, 100 * BLOCK))
    player.put(wave(2.0))
    wait_until(lambda: device.played)
    threading.Timer(0.05, device.gate.set).start()  # the block that is being written
    player.stop()
    assert device.played == [*wave(1.0, BLOCK)] and device.calls == ["start", "abort"]
    player.put(wave(3.0))  # and it plays again
    player.finish()
    assert device.played == [*wave(1.0, BLOCK), *wave(3.0)]
    player.stop()  # nothing is playing
    assert device.calls == ["start", "abort", "start", "stop"]


SECOND = round(1 / BLOCK_SECONDS)  # blocks


def in_background(call) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_a_long_text_is_not_buffered_completely(device):
    """Ten minutes, of which half a minute waits; the rest is given when there is room for it."""
    player, given = Player(RATE), []

    def produce() -> None:
        for number in range(600):
            player.put(wave(number, SECOND * BLOCK))
            given.append(number)

    device.gate.clear()
    thread = in_background(produce)
    wait_until(lambda: len(given) >= AHEAD_SECONDS)
    time.sleep(0.1)
    assert thread.is_alive() and AHEAD_SECONDS <= len(given) <= AHEAD_SECONDS + 1
    device.gate.set()
    thread.join(60)
    player.finish()
    assert len(given) == 600 and device.played == [n for n in range(600) for _ in range(SECOND * BLOCK)]


@pytest.mark.parametrize("how", ["stop", "failure"])
def test_waiting_for_room_ends(device, how):
    player, ended = Player(RATE), []

    def produce() -> None:
        try:
            player.put(wave(2.0, 7 * BLOCK))
            ended.append("stop")
        except UserError:
            ended.append("failure")

    device.gate.clear()
    player.put(wave(1.0, round((AHEAD_SECONDS + 1) * RATE)))
    thread = in_background(produce)
    wait_until(lambda: device.played)
    time.sleep(0.05)
    assert thread.is_alive() and not ended
    if how == "failure":
        device.error = PortAudioError("unplugged")
    threading.Timer(0.05, device.gate.set).start()  # the block that is being written
    if how == "stop":
        player.stop()
    thread.join(10)
    assert ended == [how]
    if how == "stop":  # what waited for room is forgotten too
        player.put(wave(3.0))
        player.finish()
        assert device.played == [*wave(1.0, BLOCK), *wave(3.0)]


def test_a_failing_device_gives_an_error(device):
    player = Player(RATE)
    device.error = PortAudioError("unplugged")
    player.put(wave(1.0))
    for call in (player.finish, lambda: player.put(wave(1.0))):
        with pytest.raises(UserError, match=r"^the sound cannot be played \(unplugged\); write a file with"):
            call()
    player.stop()


def test_sounddevice_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match="pip install sounddevice"):
        Player(RATE)


def test_no_player(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match="pip install sounddevice"):
        check_player()
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="apt install libportaudio2"):
        check_player()


def test_no_sound_device(monkeypatch):
    def refuse(*_, **__):
        raise PortAudioError("Error querying device -1")

    module = types.SimpleNamespace(PortAudioError=PortAudioError, query_devices=refuse)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    with pytest.raises(UserError, match="no sound device"):
        check_player()


EXIT = """
import atexit, sys, threading, time, types
import numpy as np

playing = threading.Event()

class Stream:
    def start(self): playing.set()
    def write(self, block): time.sleep(0.01)
    def stop(self): playing.clear()
    abort = stop

def end():
    print("it plays on" if playing.is_set() else "it is silent")

sounddevice = types.ModuleType("sounddevice")
sounddevice.OutputStream = lambda *_, **__: Stream()
sounddevice.PortAudioError = OSError
atexit.register(end)  # as sounddevice does, when it is imported
sys.modules["sounddevice"] = sounddevice

from nanospeech_core.audio.player import Player

def work():
    player = Player(24000)
    while True:
        player.put(np.zeros(2400, np.float32))

threading.Thread(target=work, daemon=True).start()
playing.wait(10)
"""


def test_playback_ends_before_the_sound_library_does():
    """Under a thread that still writes, it would crash."""
    run = subprocess.run(
        [sys.executable, "-c", EXIT], capture_output=True, text=True, timeout=60, env=environment()
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "it is silent\n", "")
