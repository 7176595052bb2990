"""Decoding audio files: by libsndfile, or by FFmpeg (the package av, if it is installed)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from nanospeech_core.audio.completeness import is_cut_off, lacks_end_mark

from ..training.data.shards import FOREIGN_SUFFIXES
from .recording import Reject, one_line

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

CODEC_SECONDS = 0.1  # by which a decoded file may be shorter than its header says
FOREIGN_SECONDS = 0.5  # the same, by FFmpeg
FULL_SCALE = 0.5  # clipping below it is none: three equal samples at the top of a quiet recording
CLIPPED = 1e-3  # share of clipped samples from which a recording is distorted


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


def find_doubts(audio: bytes, wave: np.ndarray) -> list[tuple[str, str]]:
    """(what may be wrong, detail) of a file that can be used.

    wave: [samples, channels], as it was decoded.
    """
    doubts = []
    if lacks_end_mark(audio):
        doubts.append(("may be cut off: the Ogg file has no mark of its end", ""))
    share = clipped_share(wave)
    if share > CLIPPED:
        doubts.append(("clipped: it was recorded too loud", f"{100 * share:.1f}%"))
    return doubts


def clipped_share(wave: np.ndarray) -> float:
    """The share of samples [samples, channels] in runs of three or more at their channel's highest level."""
    peak = np.abs(wave).max(axis=0, initial=0.0)
    top = (np.abs(wave) >= peak) & (peak >= FULL_SCALE)
    if len(top) < 3:
        return 0.0
    inner = top[2:] & top[1:-1] & top[:-2]
    clipped = np.zeros_like(top)
    for shift in range(3):
        clipped[shift : len(top) - 2 + shift] |= inner
    return float(clipped.mean(axis=0).max())


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
            else:
                check_length(length / stream.rate, stream)
            parts += [piece.to_ndarray().T for piece in resampler.resample(None)]
            if not parts:
                raise ValueError("it has no audio")
            return np.concatenate(parts).astype(np.float32), stream.rate
    except (av.error.FFmpegError, IndexError, ValueError) as error:  # IndexError: a video without sound
        raise Reject("unreadable audio", one_line(error)) from error


def check_length(seconds: float, stream: AudioStream) -> None:
    """Raise Reject if fewer seconds of a stream were decoded than its header says."""
    if stream.duration and stream.time_base:
        if seconds < float(stream.duration * stream.time_base) - FOREIGN_SECONDS:
            raise Reject("audio that is cut off", f"{seconds:.2f} s are left")
