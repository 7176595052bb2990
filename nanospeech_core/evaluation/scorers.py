"""Metrics of speech by other projects' libraries, which are optional and imported on use.

Resemblyzer imports PyTorch, whichever backend speaks. The other libraries need no framework.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ..system.install import import_optional, pip_install
from ..text.chinese.normalize import simplified
from ..text.languages import is_alphabetic
from ..voices.recognition import RATE

INSTALL = pip_install("evaluate")

_HAN = re.compile(r"[\u4e00-\u9fff]")
_PYIN_FRAME = 1024  # samples
_PYIN = dict(fmin=60.0, fmax=450.0, frame_length=_PYIN_FRAME, hop_length=RATE // 100, resolution=0.25)
_MIN_VOICED_FRAMES = 10  # of 10 ms, for a standard deviation of the pitch
_SILENCE_DB = -40.0  # relative to the loudest frame


# words


def words_or_characters(text: str, language: str = "en") -> list[str]:
    """What an error rate counts: words in lower case without punctuation; simplified characters in Chinese.

    Recognizers write simplified or traditional characters. Numbers stay as they are written: "2" for "two"
    is an error.
    """
    if not is_alphabetic(language):
        return _HAN.findall(simplified(text))
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return "".join(c if c.isalnum() or c == "'" else " " for c in text).split()


def check_jiwer() -> None:
    """Raise UserError if jiwer, which `count_errors` needs, is not installed."""
    import_optional("jiwer", "jiwer", "counting word errors", INSTALL)


def count_errors(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Substitutions, deletions and insertions in the best alignment of two `words_or_characters`."""
    jiwer = import_optional("jiwer", "jiwer", "counting word errors", INSTALL)
    alignment = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return alignment.substitutions + alignment.deletions + alignment.insertions


# how it sounds


def voice_encoder() -> Callable[[np.ndarray], np.ndarray | None]:
    """float32 [samples] at 16 kHz -> Resemblyzer's embedding, float32 [256] of length 1; None: no speech.

    The dot product of two embeddings is their similarity (Wan et al., arXiv 1710.10467).
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
    """float32 [samples] at 16 kHz -> the overall score of DNSMOS P.835, 1 to 5 (arXiv 2110.01763)."""
    library = import_optional("speechmos.dnsmos", "speechmos", "DNSMOS", f"{INSTALL}, or give --no-dnsmos")
    return lambda wave: float(library.run(np.clip(wave, -1, 1), sr=RATE)["ovrl_mos"])


def prosody() -> Callable[[np.ndarray], tuple[float | None, float | None]]:
    """float32 [samples] at 16 kHz -> standard deviations of pitch (semitones) and level (dB).

    Only frames (10 ms) within 40 dB of the loudest count; both are None for silence. Pitch is librosa's pYIN
    in voiced frames. Its deviation is half the distance of the percentiles 16 and 84, which ignores a few
    octave errors of the tracker, and None with hardly any voiced frame. Level is the RMS. Flat, averaged
    speech has low values of both.
    """
    librosa = import_optional("librosa", "librosa", "prosody", f"{INSTALL}, or give --no-prosody")

    def measure(wave: np.ndarray) -> tuple[float | None, float | None]:
        wave = np.pad(wave, (0, max(0, _PYIN_FRAME - len(wave))))
        hz, voiced, _ = librosa.pyin(wave, sr=RATE, **_PYIN)
        rms = librosa.feature.rms(y=wave, frame_length=RATE // 40, hop_length=RATE // 100)[0]
        if not rms.max() > 0:
            return None, None
        level = 20 * np.log10(np.maximum(rms / rms.max(), 1e-10))
        audible = level > _SILENCE_DB
        semitones = 12 * np.log2(hz[voiced & audible])
        pitch = None
        if len(semitones) >= _MIN_VOICED_FRAMES:
            pitch = float(np.subtract(*np.percentile(semitones, [84, 16]))) / 2
        return pitch, float(np.std(level[audible]))

    return measure
