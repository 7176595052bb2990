"""Speech recognition by optional libraries, imported on first use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import UserError
from ..system.install import import_optional, is_installed, pip_install

RATE = 16000  # Hz, of all audio here: what the recognizers, Resemblyzer and DNSMOS were trained on


# Audio float32 [samples] at 16 kHz and its language ("en", "zh"; None: detect it) -> text.
Recognize = Callable[[np.ndarray, "str | None"], str]


def resample(wave: np.ndarray, rate: int) -> np.ndarray:
    """float32 [samples] at `rate` Hz -> float32 [samples] at 16 kHz; the length is rounded up as in librosa.

    DNSMOS repeats audio shorter than 9 s, so that one sample more or less changes its second digit.
    """
    import soxr

    result = soxr.resample(np.asarray(wave, dtype=np.float32), rate, RATE)
    return np.pad(result, (0, max(0, math.ceil(len(wave) * RATE / rate) - len(result))))


def recognizer(
    name: str, languages: Sequence[str] = (), threads: int = 0, extra: str = "reference"
) -> Recognize:
    """A speech recognizer on the CPU.

    Args:
        name: `faster-whisper:MODEL` or `mlx-whisper:MODEL`, a name or a folder; or MODEL of the former alone.
        languages: that it must support ("en", "zh").
        threads: 0: the library's default.
        extra: the extra of this package that a message advises to install.
    Raises:
        UserError: another kind; its package is not installed; the model cannot be loaded, or does not
            support a language.
    """
    kind, colon, model = name.partition(":")
    if not colon:
        kind, model = "faster-whisper", name
    if kind not in RECOGNIZERS or not model:
        names = ", ".join(f"{known}:NAME_OR_PATH" for known in RECOGNIZERS)
        raise UserError(f"there is no recognizer {name!r}; choose from {names}")
    return RECOGNIZERS[kind](model, languages, threads, extra)


def _faster_whisper(name: str, languages: Sequence[str], threads: int, extra: str) -> Recognize:
    library = import_optional("faster_whisper", "faster-whisper", "recognizing speech", pip_install(extra))
    try:
        model = library.WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=threads)
    except (ValueError, OSError, RuntimeError) as error:  # no such name, no network, a broken folder
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"asr {name!r} cannot be loaded: {reason}") from error
    lacking = sorted(set(languages) - set(model.supported_languages))
    if lacking:
        raise UserError(f"asr {name!r} does not support {', '.join(lacking)}")

    def recognize(wave: np.ndarray, language: str | None) -> str:
        segments, _ = model.transcribe(wave, language=language, beam_size=5, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)

    return recognize


def _mlx_whisper(name: str, languages: Sequence[str], threads: int, extra: str) -> Recognize:
    library = import_optional("mlx_whisper", "mlx-whisper", "recognizing speech", "pip install mlx-whisper")

    def recognize(wave: np.ndarray, language: str | None) -> str:
        wave = np.asarray(wave, dtype=np.float32)
        try:
            found = library.transcribe(
                wave, path_or_hf_repo=name, language=language, condition_on_previous_text=False
            )
        except (ValueError, OSError, RuntimeError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(f"asr {name!r} cannot be used: {reason}") from error
        return " ".join(found["text"].split())

    return recognize


RECOGNIZERS: dict[str, Callable[[str, Sequence[str], int, str], Recognize]] = {
    "faster-whisper": _faster_whisper,
    "mlx-whisper": _mlx_whisper,
}


# Recognizers where none is named: a package, and a multilingual model for it.
DEFAULT_RECOGNIZERS = (
    ("mlx_whisper", "mlx-whisper:mlx-community/whisper-small-mlx"),
    ("faster_whisper", "faster-whisper:small"),
)


def default_recognizer() -> str | None:
    """The name of a recognizer whose package is installed; None: there is none."""
    return next((name for module, name in DEFAULT_RECOGNIZERS if is_installed(module)), None)
