"""Writing a 16-bit WAV to standard output, a pipe or a device, chunk by chunk."""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from ..errors import UserError
from ..system.streams import display_target, open_stream, write_all

UNKNOWN_SIZE = (
    0x7FFFF000  # bytes, in a header without a length: players read to the end, SoX without a warning
)


def pcm16(wave: np.ndarray) -> np.ndarray:
    """Samples as int16, rounded as libsndfile does for a .wav: the upper half of 32 bits, clipped."""
    whole = np.clip(np.rint(wave.astype(np.float64) * 2**31), -(2**31), 2**31 - 1)
    return (whole.astype(np.int64) >> 16).astype("<i2")


@contextmanager
def writing_wav(
    path: str | os.PathLike, sample_rate: int, channels: int, check: Callable[[np.ndarray], None]
) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a 16-bit WAV to a stream, chunk by chunk: a chunk can be played as soon as `write` returns.

    The header gives an unknown length. If the stream is a file (> speech.wav), the header is corrected at the
    end.

    Args:
        path: the stream.
        sample_rate: in Hz.
        channels: 1 for chunks [samples], more for chunks [samples, channels].
        check: called with each chunk before it is written.
    Yields:
        `write`, which takes a chunk.
    Raises:
        UserError: the stream cannot be written.
        BrokenPipeError: the reader has closed the stream.
    """
    try:
        with open_stream(path) as stream:
            start = _header_offset(stream)
            write_all(stream, wav_header(sample_rate, channels, None))
            written = 0

            def write(wave: np.ndarray) -> None:
                nonlocal written
                check(wave)
                data = pcm16(wave).tobytes()
                write_all(stream, data)
                written += len(data)

            yield write
            if start is not None:
                os.pwrite(stream.fileno(), wav_header(sample_rate, channels, written), start)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write {display_target(path)}: {error.strerror or error}") from error


def _header_offset(stream: io.FileIO) -> int | None:
    """Where the header begins in a file; None for a stream that is not a file, or one that only appends."""
    import fcntl

    appends = fcntl.fcntl(stream, fcntl.F_GETFL) & os.O_APPEND
    if appends or not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return None
    return stream.seek(0, os.SEEK_CUR)


def wav_header(sample_rate: int, channels: int, size: int | None) -> bytes:
    """A RIFF/WAVE header for PCM, 44 bytes. size: of the samples, in bytes; None: unknown."""
    size = UNKNOWN_SIZE if size is None else min(size, 0xFFFFFFFF - 36)
    form = (16, 1, channels, sample_rate, 2 * channels * sample_rate, 2 * channels, 16)
    riff = (b"RIFF", size + 36, b"WAVE")
    return struct.pack("<4sI4s4sIHHIIHH4sI", *riff, b"fmt ", *form, b"data", size)
