"""Reading, writing, joining and playing speech: mono float32 at 24 kHz everywhere inside."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..system.files import check_writable, replacing
from ..system.streams import (
    display_name,
    display_target,
    is_stream,
    is_terminal,
    pcm16,
    seekable,
    writing_wav,
)
from .mel import SAMPLE_RATE

# libsndfile's names of format and encoding, by the suffix of a file.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
# Encodings that are kept where the format has them: decoded and written again, they give the same samples.
KEPT = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
FINE = ("PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAC_20", "ALAC_24", "ALAC_32")  # more than 16 bits
MAX_VORBIS_RATE = 200_000  # Hz; above it libsndfile crashes
_BLOCK = 65536  # libsndfile's Ogg encoders overflow the stack when given minutes of audio in one call


def read(path: str | os.PathLike) -> np.ndarray:
    """A recording, mixed to mono and resampled: float32 [samples] at 24 kHz.

    libsndfile reads most formats, the package av (FFmpeg), where it is installed, all others (.m4a).

    Raises:
        UserError: the file is missing, unreadable, without audio, or has samples that are not finite.
    """
    wave, rate, _ = read_whole(path, "float32")
    return to_model(wave, rate)


def decode(path: str | os.PathLike, told: str) -> tuple[np.ndarray, int, str]:
    """What libsndfile does not know, by FFmpeg: float32 [samples, channels], their rate, "PCM_16".

    Raises:
        UserError: av is not installed, or it is no audio file either.
    """
    try:
        import av
    except ImportError as error:
        raise UserError(
            f"cannot read {told}: it is no audio file that libsndfile knows; "
            "other formats (.m4a) need av: pip install av"
        ) from error
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            frames = [f for packet in container.decode(stream) for f in resampler.resample(packet)]
            frames += resampler.resample(None)
            blocks = [frame.to_ndarray().T for frame in frames]
            rate = stream.rate
        if not blocks:  # FFmpeg may believe a suffix, and find nothing behind it
            raise ValueError
    except (av.error.FFmpegError, IndexError, ValueError) as error:  # IndexError: a film without sound
        raise UserError(f"cannot read {told}: it is no audio file that libsndfile or FFmpeg knows") from error
    return np.concatenate(blocks), rate, "PCM_16"


def read_whole(path: str | os.PathLike, dtype: str = "float64") -> tuple[np.ndarray, int, str]:
    """A recording as it is: [samples, channels], their rate, libsndfile's name of the encoding.

    float64 holds every sample of every encoding exactly. Raises UserError as `read` does.
    """
    import soundfile

    told = display_name(path, 0)
    try:
        # First, for libsndfile does not say why it cannot open one; then by the descriptor, for to read from
        # a stream it would call Python, where a Ctrl-C would be lost.
        with seekable(path) as place, open(place, "rb") as stream:
            try:
                with soundfile.SoundFile(stream.fileno(), closefd=False) as file:
                    wave, encoding = file.read(dtype=dtype, always_2d=True), file.subtype
                    rate = file.samplerate
            except (soundfile.SoundFileError, TypeError, ValueError):  # TypeError: headerless formats
                wave, rate, encoding = decode(place, told)
    except OSError as error:
        raise UserError(f"cannot read {told}: {error.strerror or error}") from error
    if not np.isfinite(wave).all():
        raise UserError(f"cannot use {told}: it has samples that are not finite")
    if not len(wave):
        raise UserError(f"cannot use {told}: it has no audio")
    return wave, rate, encoding


def to_model(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """[samples] or [samples, channels] at any rate -> float32 [samples], mono at 24 kHz."""
    mono = wave.mean(axis=1) if wave.ndim == 2 else wave
    return np.ascontiguousarray(resample(mono, sample_rate, SAMPLE_RATE), dtype=np.float32)


def resample(wave: np.ndarray, old: int, new: int) -> np.ndarray:
    """[samples] at the rate `old` -> at the rate `new`."""
    if old == new:
        return wave
    import soxr

    return soxr.resample(wave, old, new)


def check_output(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE, channels: int = 1, encoding: str | None = None
) -> None:
    """Raise UserError unless `write` can be expected to succeed: to be told before minutes of work."""
    if _suffix(path) not in FORMATS:
        raise UserError(f"cannot write {path}: the suffix must be one of {', '.join(FORMATS)}")
    check_writable(path)
    if is_terminal(path):
        raise UserError("sound is not written to a terminal: pipe it to a player, or name a file")
    if (sample_rate, channels) != (SAMPLE_RATE, 1):  # which every format takes
        _check_format(path, sample_rate, channels, choose_encoding(path, encoding))


def _suffix(path: str | os.PathLike) -> str:
    """That of the format: a pipe that has none takes WAV."""
    suffix = Path(path).suffix.lower()
    return ".wav" if not suffix and is_stream(path) else suffix


def _check_format(path: str | os.PathLike, sample_rate: int, channels: int, encoding: str) -> None:
    """Raise UserError unless the suffix's format takes such audio: libsndfile is asked to begin a file."""
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
    """libsndfile's name of how `write` encodes; `encoding` is that of the recording, None of speech.

    It is the recording's own if that is one of `KEPT` and the format has it; else PCM of 24 bits for one of
    `FINE`, of 16 for others, and in .ogg, .opus and .mp3 what they are named for.
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

    encoding: of the recording that it was, see `choose_encoding`. All that is not floating-point is clipped
    to [-1, 1].

    Raises:
        UserError: an unknown suffix, a rate or a number of channels that the format does not have, an
            unwritable place, or samples that are not finite; no file is left.
    """
    channels = 1 if wave.ndim == 1 else wave.shape[1]
    with writing(path, sample_rate, channels, encoding) as give:
        give(wave)


@contextmanager
def writing(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE, channels: int = 1, encoding: str | None = None
) -> Iterator[Callable[[np.ndarray], None]]:
    """`write` bit by bit: give [samples] or [samples, channels], one after another.

    A WAV for standard output, a pipe or a device is there, to be heard, as soon as it is given.
    """
    import soundfile

    check_output(path, sample_rate, channels, encoding)
    container, encoding = FORMATS[_suffix(path)][0], choose_encoding(path, encoding)

    def check(wave: np.ndarray) -> None:
        if not np.isfinite(wave).all():
            raise UserError(f"cannot write {display_target(path)}: the audio has samples that are not finite")

    if is_stream(path) and (container, encoding) == ("WAV", "PCM_16"):
        with writing_wav(path, sample_rate, channels, check) as send:
            yield send
        return

    def give(wave: np.ndarray) -> None:
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
                yield give
            _check_room(stream)
        except soundfile.LibsndfileError as error:
            _check_room(stream)
            raise UserError(f"cannot write {path}: {error.error_string}") from error


def _check_room(stream: io.FileIO) -> None:
    """Raise OSError where a file cannot grow any more.

    On a full disk libsndfile does not say why it fails, and where only the end does not fit, not even that.
    """
    if os.path.isfile(stream.name):  # what is written to a pipe cannot be taken back
        end = stream.seek(0, os.SEEK_END)
        stream.write(b"\0")
        stream.truncate(end)


def as_written(wave: np.ndarray) -> np.ndarray:
    """float32 [samples] as they are read back from a .wav that `write` made of them."""
    return pcm16(wave).astype(np.float32) / 32768


def trim_silence(
    wave: np.ndarray, threshold_db: float = -40.0, keep_seconds: float = 0.05, sample_rate: int = SAMPLE_RATE
) -> np.ndarray:
    """Cut the silence at both ends; all-silent audio comes back empty.

    Silent are 10 ms whose RMS is `threshold_db` below that of the loudest 10 ms; `keep_seconds` of them stay.
    """
    frame = sample_rate // 100
    padded = np.pad(wave.astype(np.float64), (0, -len(wave) % frame))
    power = (padded.reshape(-1, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > max(power.max(initial=0.0) * 10 ** (threshold_db / 10), 1e-12))
    if not len(loud):
        return wave[:0]
    keep = round(keep_seconds * sample_rate)
    return wave[max(0, loud[0] * frame - keep) : (loud[-1] + 1) * frame + keep]


def match_level(wave: np.ndarray, rms: float = 0.07, peak: float = 0.99) -> np.ndarray:
    """Scale to a root mean square, or as near it as the peak allows; silence stays silence."""
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    if power <= 0:
        return wave
    gain = min(rms / power**0.5, peak / float(np.abs(wave).max()))
    return (wave * gain).astype(np.float32)


def fade(
    wave: np.ndarray, rise: bool, fall: bool, seconds: float = 0.01, sample_rate: int = SAMPLE_RATE
) -> np.ndarray:
    """A copy of float32 [samples] that begins (`rise`) or ends (`fall`) with a raised cosine: no clicks."""
    wave = np.array(wave, dtype=np.float32)
    n = min(round(seconds * sample_rate), len(wave) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))).astype(np.float32)
    if rise:
        wave[:n] *= ramp
    if fall:
        wave[len(wave) - n :] *= ramp[::-1]
    return wave


def check_player() -> None:
    """Raise UserError unless sound can be played here."""
    sounddevice = load_sounddevice()
    try:
        sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise UserError("there is no sound device to play on; write a file with --output instead") from error


def load_sounddevice():
    """The module sounddevice. Raises UserError when it, or PortAudio, is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise UserError(
            "playing sound needs sounddevice: pip install sounddevice, or write a file with --output"
        ) from error
    except OSError as error:
        raise UserError(
            "playing sound needs PortAudio (Debian, Ubuntu: apt install libportaudio2), "
            "or write a file with --output"
        ) from error
    return sounddevice
