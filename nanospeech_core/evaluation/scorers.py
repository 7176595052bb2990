"""What an evaluation measures of speech, by other people's libraries: optional ones, imported when asked for.

Resemblyzer imports PyTorch, whichever backend speaks; nothing else here needs a framework.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from ..errors import UserError
from ..system.install import is_installed, pip_install
from ..text.chinese.normalize import simplified

RATE = 16000  # Hz, of all audio here: what the recognisers, Resemblyzer and DNSMOS were trained on
INSTALL = pip_install("evaluate")

# Audio float32 [samples] at 16 kHz and a language ("en", "zh", or None: to be found) -> text.
Recognise = Callable[[np.ndarray, "str | None"], str]

_HAN = re.compile(r"[\u4e00-\u9fff]")
_PITCH = dict(fmin=60.0, fmax=450.0, frame_length=1024, hop_length=RATE // 100, resolution=0.25)
_LEAST_VOICED = 10  # frames of 10 ms that a standard deviation of pitch is worth reporting of
_QUIET_DB = -40.0  # of the loudest frame: below it is no speech


def resample(wave: np.ndarray, rate: int) -> np.ndarray:
    """float32 [samples] at `rate` Hz -> the same at 16 kHz, its length rounded up as librosa does.

    DNSMOS repeats what is shorter than 9 s, so that a sample more or less moves its second digit.
    """
    import soxr

    result = soxr.resample(np.asarray(wave, dtype=np.float32), rate, RATE)
    return np.pad(result, (0, max(0, math.ceil(len(wave) * RATE / rate) - len(result))))


# words


def units(text: str, language: str = "en") -> list[str]:
    """What errors are counted in: simplified Chinese characters, else lower-case words without punctuation.

    Recognisers write simplified characters or traditional ones as they like. Numbers stay as they are
    written: "2" for "two" is an error.
    """
    if language.startswith("zh"):
        return _HAN.findall(simplified(text))
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "".join(c if c.isalnum() or c == "'" else " " for c in text).split()


def check_jiwer() -> None:
    """Raise UserError unless errors can be counted."""
    _need("jiwer", "jiwer", "counting misheard words")


def count_errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, deletions and insertions of the best alignment of two sequences of `units`."""
    jiwer = _need("jiwer", "jiwer", "counting misheard words")
    found = jiwer.process_words(" ".join(wanted), " ".join(heard))
    return found.substitutions + found.deletions + found.insertions


def recogniser(name: str, languages: Sequence[str] = (), threads: int = 0) -> Recognise:
    """A speech recogniser on the CPU.

    Args:
        name: `faster-whisper:MODEL` or `mlx-whisper:MODEL`, a name or a folder; or MODEL of the former alone.
        languages: what it must understand ("en", "zh").
        threads: 0 leaves the library's choice.
    Raises:
        UserError: another kind, its package is not installed, the model cannot be loaded or understands less.
    """
    kind, colon, model = name.partition(":")
    if not colon:
        kind, model = "faster-whisper", name
    if kind not in RECOGNISERS or not model:
        known = ", ".join(f"{known}:NAME_OR_PATH" for known in RECOGNISERS)
        raise UserError(f"there is no recogniser {name!r}; known: {known}")
    return RECOGNISERS[kind](model, languages, threads)


def _faster_whisper(name: str, languages: Sequence[str], threads: int) -> Recognise:
    library = _need("faster_whisper", "faster-whisper", "recognising speech")
    try:
        model = library.WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=threads)
    except (ValueError, OSError, RuntimeError) as error:  # no such name, no network, a broken folder
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"asr {name!r} cannot be loaded: {reason}") from error
    lacking = sorted(set(languages) - set(model.supported_languages))
    if lacking:
        raise UserError(f"asr {name!r} does not understand {', '.join(lacking)}")

    def recognise(wave: np.ndarray, language: str | None) -> str:
        segments, _ = model.transcribe(wave, language=language, beam_size=5, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)

    return recognise


def _mlx_whisper(name: str, languages: Sequence[str], threads: int) -> Recognise:
    library = _need("mlx_whisper", "mlx-whisper", "recognising speech", "pip install mlx-whisper")

    def recognise(wave: np.ndarray, language: str | None) -> str:
        wave = np.asarray(wave, dtype=np.float32)
        try:
            found = library.transcribe(
                wave, path_or_hf_repo=name, language=language, condition_on_previous_text=False
            )
        except (ValueError, OSError, RuntimeError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(f"asr {name!r} cannot be used: {reason}") from error
        return " ".join(found["text"].split())

    return recognise


RECOGNISERS: dict[str, Callable[[str, Sequence[str], int], Recognise]] = {
    "faster-whisper": _faster_whisper,
    "mlx-whisper": _mlx_whisper,
}
# What is taken where none is named: a package, and a model of it that understands many languages.
USUAL_RECOGNISERS = (
    ("mlx_whisper", "mlx-whisper:mlx-community/whisper-small-mlx"),
    ("faster_whisper", "faster-whisper:small"),
)


def usual_recogniser() -> str | None:
    """The name of a recogniser whose package is installed, or None."""
    return next((name for module, name in USUAL_RECOGNISERS if is_installed(module)), None)


# how it sounds


def voice_encoder() -> Callable[[np.ndarray], np.ndarray | None]:
    """float32 [samples] at 16 kHz -> Resemblyzer's embedding, float32 [256] of length 1; None: no speech.

    The scalar product of two is their similarity (Wan et al., arXiv 1710.10467).
    """
    # Its dependency webrtcvad needs a compiler and an old setuptools; webrtcvad-wheels is the same module.
    library = _need(
        "resemblyzer",
        "Resemblyzer",
        "similarity",
        f"{INSTALL}, and pip install torch && pip install --no-deps resemblyzer",
    )
    encoder = library.VoiceEncoder("cpu", verbose=False)

    def embed(wave: np.ndarray) -> np.ndarray | None:
        if not np.any(wave):
            return None
        speech = library.preprocess_wav(np.clip(wave, -1, 1))
        return encoder.embed_utterance(speech) if len(speech) else None

    return embed


def dnsmos() -> Callable[[np.ndarray], float]:
    """float32 [samples] at 16 kHz -> DNSMOS P.835's overall opinion score, 1 to 5 (arXiv 2110.01763)."""
    library = _need("speechmos.dnsmos", "speechmos", "DNSMOS", f"{INSTALL}, or give --no-dnsmos")
    return lambda wave: float(library.run(np.clip(wave, -1, 1), sr=RATE)["ovrl_mos"])


def prosody() -> Callable[[np.ndarray], tuple[float | None, float | None]]:
    """float32 [samples] at 16 kHz -> how much pitch (semitones) and level (dB) vary: standard deviations.

    Both in the frames of 10 ms within 40 dB of the loudest, None for silence. Pitch by librosa's pYIN where
    it is voiced, None where that is hardly anywhere: half of what lies between the percentiles 16 and 84, so
    that a few octave errors of the tracker do not count. Level as the RMS. Flat, averaged speech has little
    of both.
    """
    librosa = _need("librosa", "librosa", "prosody", f"{INSTALL}, or give --no-prosody")

    def measure(wave: np.ndarray) -> tuple[float | None, float | None]:
        wave = np.pad(wave, (0, max(0, _PITCH["frame_length"] - len(wave))))
        hz, voiced, _ = librosa.pyin(wave, sr=RATE, **_PITCH)
        rms = librosa.feature.rms(y=wave, frame_length=RATE // 40, hop_length=RATE // 100)[0]
        if not rms.max() > 0:
            return None, None
        level = 20 * np.log10(np.maximum(rms / rms.max(), 1e-10))
        heard = level > _QUIET_DB
        semitones = 12 * np.log2(hz[voiced & heard])
        pitch = None
        if len(semitones) >= _LEAST_VOICED:
            pitch = float(np.subtract(*np.percentile(semitones, [84, 16]))) / 2
        return pitch, float(np.std(level[heard]))

    return measure


def _need(module: str, package: str, purpose: str, command: str = INSTALL) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:  # also where it is there and a package that it needs is not
        raise UserError(f"{purpose} needs {package} ({error}): {command}") from error
