"""Reading, writing, joining and playing speech: mono float32 at 24 kHz everywhere inside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import UserError
from .files import check_writable, replacing
from .mel import SAMPLE_RATE

# libsndfile's names of format and encoding, by the suffix of a file.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
PAUSE_SECONDS = 0.2  # between sentences, beside the silence that they end with themselves
_BLOCK = 65536  # libsndfile's Ogg encoders overflow the stack when given minutes of audio in one call


def read(path: str | os.PathLike) -> np.ndarray:
    """Any file that libsndfile reads, mixed to mono and resampled: float32 [samples] at 24 kHz.

    Raises:
        UserError: the file is missing, unreadable, without audio, or has samples that are not finite.
    """
    import soundfile

    path = Path(path)
    try:
        with open(path, "rb") as file:  # first, for libsndfile does not say why it cannot open one
            wave, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (soundfile.SoundFileError, TypeError, ValueError) as error:  # TypeError: headerless formats
        raise UserError(f"cannot read {path}: it is no audio file that libsndfile knows") from error
    wave = wave.mean(axis=1)
    if not np.isfinite(wave).all():
        raise UserError(f"cannot use {path}: it has samples that are not finite")
    if rate != SAMPLE_RATE and len(wave):
        import soxr

        wave = soxr.resample(wave, rate, SAMPLE_RATE)
    if not len(wave):
        raise UserError(f"cannot use {path}: it has no audio")
    return np.ascontiguousarray(wave, dtype=np.float32)


def check_output(path: str | os.PathLike) -> None:
    """Raise UserError unless `write` can be expected to succeed: to be told before minutes of work."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"cannot write {path}: the suffix must be one of {', '.join(FORMATS)}")
    check_writable(path)


def write(path: str | os.PathLike, wave: np.ndarray, sample_rate: int = SAMPLE_RATE) -> None:
    """Write float32 [samples] in the format of the suffix (.wav and .flac: 16-bit PCM), clipped to [-1, 1].

    Raises:
        UserError: an unknown suffix, an unwritable place, or samples that are not finite; no file is left.
    """
    import soundfile

    check_output(path)
    if not np.isfinite(wave).all():
        raise UserError(f"cannot write {path}: the audio has samples that are not finite")
    container, encoding = FORMATS[Path(path).suffix.lower()]
    wave = np.clip(wave, -1.0, 1.0)
    with replacing(path) as temporary:
        try:
            with soundfile.SoundFile(temporary, "w", sample_rate, 1, encoding, format=container) as file:
                for start in range(0, len(wave), _BLOCK):
                    file.write(wave[start : start + _BLOCK])
        except soundfile.SoundFileError as error:
            raise UserError(f"cannot write {path}: {error}") from error


def as_written(wave: np.ndarray) -> np.ndarray:
    """float32 [samples] as they are read back from a .wav that `write` made of them."""
    scaled = np.floor(wave.astype(np.float64) * 32768)  # libsndfile rounds down there (not for .flac)
    return (np.clip(scaled, -32768, 32767) / 32768).astype(np.float32)


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


def join(
    waves: Sequence[np.ndarray],
    pause_seconds: float = PAUSE_SECONDS,
    fade_seconds: float = 0.01,
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """Join sentences with silence between them, every seam faded on both sides by a raised cosine: no clicks.

    Args:
        waves: float32 [samples] each.
        pause_seconds: the silence put between two of them.
        fade_seconds: the length of each fade; the very first and the very last edge are left alone.
    """
    pause = np.zeros(round(pause_seconds * sample_rate), dtype=np.float32)
    pieces: list[np.ndarray] = []
    for i, wave in enumerate(waves):
        wave = np.array(wave, dtype=np.float32)
        n = min(round(fade_seconds * sample_rate), len(wave) // 2)
        rise = (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))).astype(np.float32)
        if i > 0:
            pieces.append(pause)
            wave[:n] *= rise
        if i < len(waves) - 1:
            wave[len(wave) - n :] *= rise[::-1]
        pieces.append(wave)
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)


def check_player() -> None:
    """Raise UserError unless sound can be played here."""
    sounddevice = load_sounddevice()
    try:
        sounddevice.query_devices(kind="output")
    except (sounddevice.PortAudioError, ValueError) as error:
        raise UserError("there is no sound device to play on; write a file with --output instead") from error


def play(wave: np.ndarray, sample_rate: int = SAMPLE_RATE) -> None:
    """Play float32 [samples] after what is playing already; returns as soon as it begins.

    Raises:
        UserError: sounddevice, PortAudio or a sound device is missing.
    """
    sounddevice = load_sounddevice()
    finish_playing()
    try:
        sounddevice.play(wave, sample_rate)
    except sounddevice.PortAudioError as error:
        raise UserError(
            f"the sound cannot be played ({error}); write a file with --output instead"
        ) from error


def finish_playing() -> None:
    """Wait for the end of what is playing; Ctrl-C stops it."""
    sounddevice = load_sounddevice()
    try:
        sounddevice.wait()
    except KeyboardInterrupt:
        sounddevice.stop()
        raise


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
