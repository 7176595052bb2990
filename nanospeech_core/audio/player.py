"""Playback in the background: a thread plays one chunk after the other while the next is generated."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import UserError

BLOCK_SECONDS = 0.05  # written at a time: the most that is still played after `stop`
AHEAD_SECONDS = 30.0  # of speech that may wait to be played: a long text is not held in memory as a whole


class Player:
    """Plays in the background, without gaps; `stop` ends it at once.

    Only its thread calls PortAudio: one thread must not close a stream that another one writes to.

    Args:
        sample_rate: of everything that is played, in Hz.
    Raises:
        UserError: sounddevice or PortAudio is missing.
    """

    def __init__(self, sample_rate: int):
        self._sounddevice = load_sounddevice()
        self._rate = sample_rate
        self._blocks: deque[np.ndarray] = deque()
        self._changed = threading.Condition()
        self._playing = False  # the stream is started, and may still be audible
        self._stopped = False  # `stop` was called while it was playing
        self._stops = 0  # how often `stop` was called
        self._error: BaseException | None = None
        _players.add(self)
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, wave: np.ndarray) -> None:
        """Play float32 [samples] after everything that was put before.

        Waits while `AHEAD_SECONDS` or more are still to be played; `stop` and Ctrl-C end the wait. Raises
        UserError if playback has failed.
        """
        size = round(BLOCK_SECONDS * self._rate)
        with self._changed:
            stops, most = self._stops, AHEAD_SECONDS / BLOCK_SECONDS
            self._changed.wait_for(lambda: self._error or self._stops > stops or len(self._blocks) < most)
            self._check()
            if self._stops > stops:
                return
            self._blocks.extend(wave[start : start + size, None] for start in range(0, len(wave), size))
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until everything has been played, or for Ctrl-C. Raises UserError if playback has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or not (self._blocks or self._playing))
            self._check()

    def stop(self) -> None:
        """Stop playback at once and discard the waiting audio."""
        with self._changed:
            self._blocks.clear()
            self._stops += 1
            self._stopped = self._playing
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error or not self._playing, timeout=1)

    def close(self) -> None:
        """Stop playback for good: PortAudio is about to end. A thread that would play more ends, silently."""
        with self._changed:
            self._error = SystemExit()
            self._blocks.clear()
            self._stopped = self._playing
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._playing, timeout=1)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            stream = self._sounddevice.OutputStream(self._rate, channels=1, dtype="float32")
            while self._error is None:
                self._play(stream)
        except self._sounddevice.PortAudioError as error:
            with self._changed:
                self._error = UserError(
                    f"the sound cannot be played ({error}); write a file with --output instead"
                )
                self._changed.notify_all()

    def _play(self, stream) -> None:
        """Wait for audio, then play until there is no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._error)
            if self._error is not None:
                return
            self._playing = True
        stream.start()
        while (block := self._next()) is not None:
            stream.write(block)
        if self._stopped:
            stream.abort()
        else:
            stream.stop()  # after everything has been played
        with self._changed:
            self._playing = self._stopped = False
            self._changed.notify_all()

    def _next(self) -> np.ndarray | None:
        with self._changed:
            self._changed.notify_all()  # there is room
            return self._blocks.popleft() if self._blocks and not self._stopped else None


_players: weakref.WeakSet[Player] = weakref.WeakSet()


def _close_players() -> None:
    """Called when the process ends, before sounddevice ends PortAudio under those that still play."""
    for player in tuple(_players):
        player.close()


@contextmanager
def playing(sample_rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields `Player.put`. The end of the block waits until all is played; an error or Ctrl-C stops it."""
    player = Player(sample_rate)
    try:
        yield player.put
        player.finish()
    except BaseException:
        player.stop()
        raise


def check_player() -> None:
    """Raise UserError if this machine cannot play sound."""
    sounddevice = load_sounddevice()
    try:
        sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise UserError("there is no sound device to play on; write a file with --output instead") from error


def load_sounddevice():
    """The module sounddevice. Raises UserError if it, or PortAudio, is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise UserError(
            "playing sound needs sounddevice: pip install sounddevice, "
            "or write a file (--output; in Python, `save`)"
        ) from error
    except OSError as error:
        raise UserError(
            "playing sound needs PortAudio (Debian, Ubuntu: apt install libportaudio2), "
            "or write a file (--output; in Python, `save`)"
        ) from error
    atexit.unregister(_close_players)  # to be called once, and before what sounddevice has registered
    atexit.register(_close_players)
    return sounddevice
