"""Whether a recording can be a voice: that it is speech, and that its text can be what is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..audio.signal import block_levels
from ..config import ModelConfig
from ..sampling.prompt import with_pauses
from ..text.symbols import SILENT
from .alignment import Aligner, monotonic_search
from .reference import clean_mel

# A recording, float32 [samples], and its phonemes -> whether they can be what is said.
FitsText = Callable[[np.ndarray, str], bool]

BLOCK = SAMPLE_RATE // 50
QUIETEST = 2e-4  # the root mean square of the loudest 20 ms; the rest of a sound card is below it
LEAST_RANGE_DB = 6.0  # between the quiet and the loud parts; speech has 23 and more, also in noise
TONE_SHARE = 0.95  # of the power in five lines of the spectrum; speech has up to 0.8
SYMBOLS_PER_SECOND = (5.0, 30.0)  # of a recording without silence at its ends; common corpora have 11 to 26
# See `text_checker`. Measured on 253 recordings (docs/experiments.md): with their own texts, 5 are beyond
# both; with half of the text dropped, 91%.
MOST_MISFIT, MOST_RELATIVE_MISFIT = 2.0, 0.55


def is_silent(wave: np.ndarray) -> bool:
    """Whether float32 [samples], 24 kHz, have no more than the rest of a sound card or of rounding."""
    return bool(block_levels(wave, BLOCK).max(initial=0.0) < QUIETEST)


def why_no_speech(wave: np.ndarray) -> str | None:
    """Why a recording is no speech; None if it may be.

    wave: float32 [samples], 24 kHz, without silence at its ends.
    """
    levels = block_levels(wave, BLOCK)[: max(1, len(wave) // BLOCK)]
    quiet, loud = np.percentile(20 * np.log10(levels + 1e-9), (5, 95))
    if tone_share(wave) > TONE_SHARE:
        return "it is a tone, not speech"
    if loud - quiet < LEAST_RANGE_DB:
        return "its level never changes, so it is noise, not speech"
    return None


def tone_share(wave: np.ndarray, size: int = 1024) -> float:
    """The share of the five strongest lines in the power of float32 [samples]."""
    if len(wave) < size:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[:: size // 2]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size)))).mean(axis=0)
    return float(np.sort(power)[-5:].sum() / max(power.sum(), 1e-30))


def why_not_its_text(phonemes: str, seconds: float) -> str | None:
    """Why a recording of so many seconds cannot say the phonemes; None if it may."""
    slow, fast = SYMBOLS_PER_SECOND
    count = sum(symbol not in SILENT for symbol in phonemes)
    if count < slow * seconds:
        return f"is too short for {seconds:.1f} s of speech"
    if count > fast * seconds:
        return f"is too long for {seconds:.1f} s of speech"
    return None


def text_checker(config: ModelConfig, aligner: Aligner | None) -> FitsText | None:
    """Finds by the checkpoint's aligner whether a text is what a recording says; None without an aligner.

    A text does not fit if its best path is much less probable than what the aligner hears in each frame.
    How much depends on the voice and the noise. So it is compared with a text that is certainly wrong and as
    long: the same one backwards.
    """
    if aligner is None or config.text.kind != "phonemes":
        return None
    index_of = {symbol: index for index, symbol in enumerate(config.text.vocab)}

    def fits(wave: np.ndarray, phonemes: str) -> bool:
        ids = np.array([index_of.get(symbol, -1) for symbol in phonemes], dtype=np.int64)
        ids, mel = with_pauses(ids, config), clean_mel(wave)
        if len(mel) < len(ids):
            return False
        misfit, backwards = (text_misfit(aligner.symbol_log_probs(mel, each)) for each in (ids, ids[::-1]))
        return misfit <= max(MOST_MISFIT, MOST_RELATIVE_MISFIT * backwards)

    return fits


def text_misfit(log_probs: np.ndarray) -> float:
    """How much the best path through a text loses against the most probable symbol of each frame.

    Args:
        log_probs: float32 [frames, symbols], of each symbol in each frame.
    Returns:
        the mean loss of a frame in nats, at least 0.
    """
    path = np.repeat(np.arange(log_probs.shape[1]), monotonic_search(log_probs))
    return float(np.mean(log_probs.max(axis=1) - log_probs[np.arange(len(path)), path]))
