"""Reading and writing audio files. Inside the package, speech is mono float32 at 24 kHz."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..system.files import check_writable, replacing
from ..system.streams import display_name, display_target, is_stream, is_terminal, seekable
from .completeness import is_cut_off, is_mp3
from .mel import SAMPLE_RATE
from .signal import to_model
from .wav_stream import pcm16, writing_wav

if TYPE_CHECKING:
    import soundfile

# libsndfile's names of the format and the encoding, by the file's suffix.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
# Encodings that are kept if the format has them: decoded and written again, they give the same samples.
KEPT = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
FINE = ("PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_20", "ALAC_24", "ALAC_32")  # more than 16 bits
MAX_VORBIS_RATE = 200_000  # Hz; above it libsndfile crashes
LARGEST = 1e9  # of a floating-point sample; beyond it is a damaged file, and squares overflow
_READ = 2**20  # samples that are read at a time: a damaged header may claim 2^31
_BLOCK = 65536  # libsndfile's Ogg encoders overflow the stack when given minutes of audio in one call


def read(path: str | os.PathLike) -> np.ndarray:
    """A recording, mixed to mono and resampled: float32 [samples] at 24 kHz.

    libsndfile reads most formats; the package av (FFmpeg), if it is installed, reads the others (.m4a).

    Raises:
        UserError: the file is missing, unreadable or without audio, or has samples that are not finite.
    """
    wave, rate, _ = read_whole(path, "float32")
    return to_model(wave, rate)


def decode_with_ffmpeg(
    path: str | os.PathLike, name: str, longest: float = math.inf
) -> tuple[np.ndarray, int, str]:
    """Decode a format that libsndfile does not know: float32 [samples, channels], their rate, "PCM_16".

    Args:
        path: the file.
        name: of the file, in messages.
        longest: in seconds.
    Raises:
        UserError: av is not installed, FFmpeg does not know the format either, or it is too long.
    """
    try:
        import av
    except ImportError as error:
        raise UserError(
            f"cannot read {name}: it is not an audio file that libsndfile can read; "
            "other formats (.m4a) need av: pip install av"
        ) from error
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler, rate = av.AudioResampler(format="fltp"), stream.rate
            frames = (f for packet in container.decode(stream) for f in resampler.resample(packet))
            blocks, samples = [], 0
            for frame in frames:
                blocks.append(frame.to_ndarray().T)
                samples += len(blocks[-1])
                if samples > longest * rate:
                    raise too_long(name, longest)
            blocks += [frame.to_ndarray().T for frame in resampler.resample(None)]
        if not blocks:  # FFmpeg may trust a suffix and decode nothing
            raise ValueError
    except (av.error.FFmpegError, IndexError, ValueError) as error:  # IndexError: a video without sound
        raise UserError(
            f"cannot read {name}: it is not an audio file that libsndfile or FFmpeg can read"
        ) from error
    return np.concatenate(blocks), rate, "PCM_16"


def read_whole(
    path: str | os.PathLike, dtype: str = "float64", longest: float = math.inf
) -> tuple[np.ndarray, int, str]:
    """A recording as it is stored: [samples, channels], their rate, libsndfile's name of the encoding.

    float64 holds every sample of every encoding exactly. Raises UserError as `read` does, and if it lasts for
    more than `longest` seconds.
    """
    import soundfile

    name = display_name(path, 0)
    try:
        # Python opens the file, because libsndfile does not say why it cannot. The descriptor is passed on:
        # to read from a Python object, libsndfile would call Python, and a Ctrl-C there would be lost.
        with seekable(path) as place, open(place, "rb", buffering=0) as stream:
            head = stream.read(4)
            # Of these, libsndfile reads what is there.
            if (head == b"OggS" or is_mp3(head)) and is_cut_off(head + stream.read()):
                raise UserError(f"cannot read {name}: the file is cut off")
            stream.seek(0)
            try:
                file = soundfile.SoundFile(stream.fileno(), closefd=False)
            except (soundfile.SoundFileError, TypeError, ValueError):  # TypeError: headerless formats
                wave, rate, encoding = decode_with_ffmpeg(place, name, longest)
            else:
                with file:
                    wave, rate, encoding = _decode(file, dtype, name, longest), file.samplerate, file.subtype
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error
    if not np.isfinite(wave).all() or np.abs(wave).max(initial=0.0) > LARGEST:
        raise UserError(f"cannot use {name}: it has samples that are not finite, or far too large")
    if not len(wave):
        raise UserError(f"cannot use {name}: it has no audio")
    return wave, rate, encoding


def too_long(name: str, longest: float) -> UserError:
    """The error to raise for a recording that is longer than allowed."""
    return UserError(f"cannot use {name}: it lasts for more than {longest:g} s; cut it")


def _decode(file: soundfile.SoundFile, dtype: str, name: str, longest: float) -> np.ndarray:
    import soundfile

    blocks, samples = [], 0
    try:
        while len(block := file.read(_READ, dtype, always_2d=True)):
            blocks.append(block)
            samples += len(block)
            if samples > longest * file.samplerate:
                raise too_long(name, longest)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(".")
        raise UserError(f"cannot read {name}: the file is damaged or cut off ({reason})") from error
    return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), dtype)


def check_output(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE, channels: int = 1, encoding: str | None = None
) -> None:
    """Raise UserError if `write` cannot succeed. Called before minutes of work."""
    if _suffix(path) not in FORMATS:
        raise UserError(f"cannot write {path}: the suffix must be one of {', '.join(FORMATS)}")
    check_writable(path)
    if is_terminal(path):
        raise UserError("cannot write sound to a terminal: pipe it to a player, or name a file")
    if (sample_rate, channels) != (SAMPLE_RATE, 1):  # every format takes these
        _check_format(path, sample_rate, channels, choose_encoding(path, encoding))


def _suffix(path: str | os.PathLike) -> str:
    """The suffix that names the format: a pipe without one takes WAV."""
    suffix = Path(path).suffix.lower()
    return ".wav" if not suffix and is_stream(path) else suffix


def _check_format(path: str | os.PathLike, sample_rate: int, channels: int, encoding: str) -> None:
    """Raise UserError if the suffix's format does not take such audio: libsndfile tries to begin a file."""
    import soundfile

    container, reason = FORMATS[_suffix(path)][0], ""
    if encoding == "VORBIS" and sample_rate > MAX_VORBIS_RATE:
        reason = f"Vorbis has at most {MAX_VORBIS_RATE} Hz"
    else:
        try:
            with open(os.devnull, "wb", buffering=0) as nowhere:
                file = nowhere.fileno(), "w", sample_rate, channels, encoding
                soundfile.SoundFile(*file, format=container, closefd=False).close()
        except soundfile.LibsndfileError as error:
            reason = error.error_string.removeprefix("Error : ").rstrip(".")
    if reason:
        several = "1 channel" if channels == 1 else f"{channels} channels"
        raise UserError(f"cannot write {path} at {sample_rate} Hz with {several}: {reason}")


def choose_encoding(path: str | os.PathLike, encoding: str | None) -> str:
    """The encoding in which `write` writes, by libsndfile's name.

    It is the recording's own if that is one of `KEPT` and the format has it; else 24-bit PCM for one of
    `FINE` and 16-bit PCM for the others; in .ogg, .opus and .mp3 always Vorbis, Opus and MP3.

    encoding: of the recording that was read; None for generated speech.
    """
    import soundfile

    container, usual = FORMATS[_suffix(path)]
    if encoding in KEPT and soundfile.check_format(container, encoding):
        return encoding
    return "PCM_24" if usual == "PCM_16" and encoding in FINE else usual


def write(
    path: str | os.PathLike, wave: np.ndarray, sample_rate: int = SAMPLE_RATE, encoding: str | None = None
) -> None:
    """Write [samples] or [samples, channels] in the format of the suffix.

    Samples are clipped to [-1, 1] unless the encoding is floating-point.

    encoding: of the recording that was read, see `choose_encoding`.

    Raises:
        UserError: the suffix is unknown, the format does not have the rate or the number of channels, the
            path cannot be written, or samples are not finite; no file is left.
    """
    channels = 1 if wave.ndim == 1 else wave.shape[1]
    with writing(path, sample_rate, channels, encoding) as write_chunk:
        write_chunk(wave)


@contextmanager
def writing(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE, channels: int = 1, encoding: str | None = None
) -> Iterator[Callable[[np.ndarray], None]]:
    """`write` chunk by chunk: yields a function that takes [samples] or [samples, channels].

    On standard output, a pipe or a device, a chunk of a WAV can be played as soon as the function returns.
    """
    import soundfile

    check_output(path, sample_rate, channels, encoding)
    container, encoding = FORMATS[_suffix(path)][0], choose_encoding(path, encoding)

    def check(wave: np.ndarray) -> None:
        if not np.isfinite(wave).all():
            raise UserError(f"cannot write {display_target(path)}: the audio has samples that are not finite")

    if is_stream(path) and (container, encoding) == ("WAV", "PCM_16"):
        with writing_wav(path, sample_rate, channels, check) as write_chunk:
            yield write_chunk
        return

    def encode_chunk(wave: np.ndarray) -> None:
        check(wave)
        if encoding not in ("FLOAT", "DOUBLE"):
            wave = np.clip(wave, -1.0, 1.0)
        for start in range(0, len(wave), _BLOCK):
            file.write(wave[start : start + _BLOCK])

    with replacing(path) as temporary, open(temporary, "wb", buffering=0) as stream:
        try:
            with soundfile.SoundFile(
                stream.fileno(), "w", sample_rate, channels, encoding, format=container, closefd=False
            ) as file:
                yield encode_chunk
            _check_room(stream)
        except soundfile.LibsndfileError as error:
            _check_room(stream)
            raise UserError(f"cannot write {path}: {error.error_string}") from error


def _check_room(stream: io.FileIO) -> None:
    """Raise OSError if a file cannot grow any more.

    On a full disk libsndfile does not say why it fails; if only the end does not fit, it does not even fail.
    """
    if os.path.isfile(stream.name):  # nothing can be taken back from a pipe
        end = stream.seek(0, os.SEEK_END)
        stream.write(b"\0")
        stream.truncate(end)


def as_written(wave: np.ndarray) -> np.ndarray:
    """float32 [samples] as `read` returns them from a .wav that `write` has written."""
    return pcm16(wave).astype(np.float32) / 32768
