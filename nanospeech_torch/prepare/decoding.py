"""Decoding audio files: by libsndfile, or by FFmpeg (the package av, if it is installed)."""

from __future__ import annotations

import io
import struct

import numpy as np

from ..training.data.shards import FOREIGN_SUFFIXES
from .recording import Reject, one_line

CODEC_SECONDS = 0.1  # by which a decoded file may be shorter than its header says
STREAMED = 0x7F000000  # sizes from here on are those of files that were written to a pipe


def decode(audio: bytes, suffix: str, max_seconds: float) -> tuple[np.ndarray, int]:
    """float32 [samples, channels] and their rate, of a file's content. What is longer is not read to its end.

    Raises:
        Reject: it is no audio that can be decoded, or is cut off, so that its text says more.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(audio)) as file:
            rate, frames = file.samplerate, file.frames
            wave = file.read(int(max_seconds * rate) + 1, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError, RuntimeError) as error:
        if suffix in FOREIGN_SUFFIXES or audio[4:8] == b"ftyp":  # the head of MPEG-4
            return decode_with_ffmpeg(audio, suffix or ".m4a", max_seconds)
        message = getattr(error, "error_string", None)  # libsndfile's, without an address in memory
        raise Reject("unreadable audio", message or one_line(error)) from error
    if is_cut_off(audio) or len(wave) < min(frames, int(max_seconds * rate)) - CODEC_SECONDS * rate:
        raise Reject("audio that is cut off", f"{len(wave) / rate:.2f} s are left")
    return wave, rate


def is_cut_off(audio: bytes) -> bool:
    """Whether a WAV or AIFF file is shorter than its header says. Of other formats, the decoder sees it."""
    order = {b"RIFF": "<I", b"FORM": ">I"}.get(audio[:4])
    if order is None or len(audio) < 8:
        return False
    (size,) = struct.unpack_from(order, audio, 4)
    return len(audio) < size < STREAMED


def decode_with_ffmpeg(audio: bytes, suffix: str, max_seconds: float) -> tuple[np.ndarray, int]:
    """As `decode`, by FFmpeg."""
    try:
        import av
    except ImportError as error:
        raise Reject(
            f"{suffix} audio, which libsndfile does not read: pip install av, or convert it to FLAC"
        ) from error
    try:
        with av.open(io.BytesIO(audio)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            parts: list[np.ndarray] = []
            length = 0
            for frame in container.decode(stream):
                parts += [piece.to_ndarray().T for piece in resampler.resample(frame)]
                length += frame.samples
                if length > max_seconds * stream.rate:
                    break
            parts += [piece.to_ndarray().T for piece in resampler.resample(None)]
            if not parts:
                raise ValueError("it has no audio")
            return np.concatenate(parts).astype(np.float32), stream.rate
    except (av.error.FFmpegError, IndexError, ValueError) as error:  # IndexError: a video without sound
        raise Reject("unreadable audio", one_line(error)) from error
