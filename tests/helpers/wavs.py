"""16-bit WAV bytes, as they come out of a pipe."""

import struct

import numpy as np

from nanospeech_core.audio.wav_stream import UNKNOWN_SIZE


def wav_samples(data: bytes) -> np.ndarray:
    """int16, of a WAV as it is read by who believes in its header, or does not."""
    riff, size, wave, fmt, length, *form, mark, amount = struct.unpack("<4sI4s4sIHHIIHH4sI", data[:44])
    assert (riff, wave, fmt, length, mark) == (b"RIFF", b"WAVE", b"fmt ", 16, b"data")
    assert form == [1, 1, 24000, 48000, 2, 16] and size == amount + 36
    assert amount in (UNKNOWN_SIZE, len(data) - 44)
    return np.frombuffer(data[44:], "<i2")
