"""Speech that is heard while the next is made: a thread plays what it is given, one after the other."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from ..errors import UserError
from .files import load_sounddevice

BLOCK_SECONDS = 0.05  # written at a time: no more than this is begun after `stop`
AHEAD_SECONDS = 30.0  # of speech that may wait to be played: a long text is not all made, and held, at once


class Player:
    """Plays in the background, without a gap; `stop` ends it at once.

    Its thread alone calls PortAudio: a stream that one thread writes to is not another's to close.

    Args:
        sample_rate: of all that is played.
    Raises:
        UserError: sounddevice or PortAudio is missing.
    """

    def __init__(self, sample_rate: int):
        self._sounddevice = load_sounddevice()
        self._rate = sample_rate
        self._blocks: deque[np.ndarray] = deque()
        self._changed = threading.Condition()
        self._playing = False  # the stream is started: what was written to it may still be heard
        self._stopped = False  # and shall not be
        self._stops = 0  # how often `stop` was called
        self._error: UserError | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, wave: np.ndarray) -> None:
        """Play float32 [samples] after all that were given before.

        Waits while `AHEAD_SECONDS` or more are still to be played; `stop` ends that, and Ctrl-C. Raises
        UserError when sound has failed.
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
        """Wait until all is heard; Ctrl-C ends the waiting. Raises UserError when sound has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or not (self._blocks or self._playing))
            self._check()

    def stop(self) -> None:
        """Silence: what is playing is cut off, what waits is forgotten."""
        with self._changed:
            self._blocks.clear()
            self._stops += 1
            self._stopped = self._playing
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._error or not self._playing, timeout=1)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            stream = self._sounddevice.OutputStream(self._rate, channels=1, dtype="float32")
            while True:
                self._play(stream)
        except self._sounddevice.PortAudioError as error:
            with self._changed:
                self._error = UserError(
                    f"the sound cannot be played ({error}); write a file with --output instead"
                )
                self._changed.notify_all()

    def _play(self, stream) -> None:
        """Wait for speech, then play until there is no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks)
            self._playing = True
        stream.start()
        while (block := self._next()) is not None:
            stream.write(block)
        if self._stopped:
            stream.abort()
        else:
            stream.stop()  # once all is heard
        with self._changed:
            self._playing = self._stopped = False
            self._changed.notify_all()

    def _next(self) -> np.ndarray | None:
        with self._changed:
            self._changed.notify_all()  # there is room
            return self._blocks.popleft() if self._blocks and not self._stopped else None
