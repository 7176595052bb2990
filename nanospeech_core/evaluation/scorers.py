"""What an evaluation measures of speech, by other people's libraries: optional ones, imported when asked for.

Resemblyzer imports PyTorch, whichever backend speaks; nothing else here needs a framework.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ..system.install import import_optional, pip_install
from ..text.chinese.normalize import simplified
from ..voices.recognition import RATE

INSTALL = pip_install("evaluate")


_HAN = re.compile(r"[\u4e00-\u9fff]")
_PITCH = dict(fmin=60.0, fmax=450.0, frame_length=1024, hop_length=RATE // 100, resolution=0.25)
_LEAST_VOICED = 10  # frames of 10 ms that a standard deviation of pitch is worth reporting of
_QUIET_DB = -40.0  # of the loudest frame: below it is no speech


# words


def units(text: str, language: str = "en") -> list[str]:
    """What errors are counted in: simplified Chinese characters, else lower-case words without punctuation.

    Recognizers write simplified characters or traditional ones as they like. Numbers stay as they are
    written: "2" for "two" is an error.
    """
    if language.startswith("zh"):
        return _HAN.findall(simplified(text))
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "".join(c if c.isalnum() or c == "'" else " " for c in text).split()


def check_jiwer() -> None:
    """Raise UserError unless errors can be counted."""
    import_optional("jiwer", "jiwer", "counting misheard words", INSTALL)


def count_errors(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, deletions and insertions of the best alignment of two sequences of `units`."""
    jiwer = import_optional("jiwer", "jiwer", "counting misheard words", INSTALL)
    found = jiwer.process_words(" ".join(wanted), " ".join(heard))
    return found.substitutions + found.deletions + found.insertions


# how it sounds


def voice_encoder() -> Callable[[np.ndarray], np.ndarray | None]:
    """float32 [samples] at 16 kHz -> Resemblyzer's embedding, float32 [256] of length 1; None: no speech.

    The scalar product of two is their similarity (Wan et al., arXiv 1710.10467).
    """
    # Its dependency webrtcvad needs a compiler and an old setuptools; webrtcvad-wheels is the same module.
    library = import_optional(
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
    library = import_optional("speechmos.dnsmos", "speechmos", "DNSMOS", f"{INSTALL}, or give --no-dnsmos")
    return lambda wave: float(library.run(np.clip(wave, -1, 1), sr=RATE)["ovrl_mos"])


def prosody() -> Callable[[np.ndarray], tuple[float | None, float | None]]:
    """float32 [samples] at 16 kHz -> how much pitch (semitones) and level (dB) vary: standard deviations.

    Both in the frames of 10 ms within 40 dB of the loudest, None for silence. Pitch by librosa's pYIN where
    it is voiced, None where that is hardly anywhere: half of what lies between the percentiles 16 and 84, so
    that a few octave errors of the tracker do not count. Level as the RMS. Flat, averaged speech has little
    of both.
    """
    librosa = import_optional("librosa", "librosa", "prosody", f"{INSTALL}, or give --no-prosody")

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
