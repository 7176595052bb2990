"""A voice as the networks see it: the mel of its recording, its ids and their durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.mel import FRAME_RATE, LOG_FLOOR, N_MELS, SAMPLE_RATE, log_mel, noise_floor
from ..audio.signal import resample
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import pause_id, with_pauses
from .alignment import Aligner

# See `clean_mel`: a usual sample rate, how much noise is subtracted, and the share of a magnitude that stays.
NARROW_RATE, NOISE_WEIGHT, LEAST_SHARE = 22050, 1.5, 0.05
# See `log_mel_with_treble`.
MISSING_BINS = 10  # at the top of the mel, above 9 kHz
NOISE_FLOOR = 3e-4  # the root mean square of white noise, -70 dB


@dataclass(frozen=True)
class Reference:
    """A voice as the networks see it. Its frames are whole tokens, a multiple of the patch."""

    mel: np.ndarray  # float32 [frames, mel_dim], normalized
    ids: np.ndarray  # int64 [symbols]
    durations: np.ndarray  # int64 [symbols], frames of each symbol; they sum to the mel's
    tempo: float = 1.0  # of the voice, see `Voice`
    num_iter: int | None = None  # the same


def even_durations(frames: int, symbols: int) -> np.ndarray:
    """`frames` distributed evenly over `symbols`, with rounded boundaries: int64 [symbols]."""
    return np.diff(np.round(np.linspace(0, frames, symbols + 1)).astype(np.int64))


def seconds_to_frames(durations: np.ndarray, frames: int) -> np.ndarray:
    """Durations in seconds -> whole frames, int64, by rounding the boundaries; the last is at `frames`."""
    ends = np.minimum(np.round(np.cumsum(durations) * FRAME_RATE).astype(np.int64), frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def make_reference(
    wave: np.ndarray,
    ids: np.ndarray,
    durations: Sequence[float] | np.ndarray | None,
    config: ModelConfig,
    aligner: Aligner | None = None,
) -> Reference:
    """The reference of a voice's recording.

    Args:
        wave: float32 [samples], 24 kHz.
        ids: int64 [symbols] of its text, without pauses.
        durations: seconds [symbols + 2] with a pause at either end; None: unknown, as of a user's recording,
            see `clean_mel`.
        config: the model's.
        aligner: finds unknown durations; None: they are even.
    Raises:
        UserError: the recording is too short for its text, or the model has another kind of mel.
    """
    patch = config.transformer.patch
    if config.transformer.mel_dim != N_MELS:
        raise UserError(f"the model's mel has {config.transformer.mel_dim} bins; voices need {N_MELS}")
    original = config.text.alignment == "filler"  # an original checkpoint
    log = (
        log_mel(wave) if original else log_mel_with_treble(wave) if durations is not None else clean_mel(wave)
    )
    log = log[: len(log) // patch * patch]
    mel = ((log - config.mel.mean) / config.mel.std).astype(np.float32)
    if original:
        if " " in config.text.vocab:  # between the reference's text and the sentence, as in Nanospeech
            ids = np.append(ids, pause_id(config))
        return Reference(mel, ids, np.zeros(0, dtype=np.int64))
    ids = with_pauses(ids, config)
    if len(mel) < len(ids):
        raise UserError(
            f"the reference audio of {len(wave) / SAMPLE_RATE:.1f} s is too short "
            f"for its text of {len(ids)} symbols"
        )
    if durations is not None:
        frames = seconds_to_frames(np.asarray(durations), len(mel))
    else:
        frames = even_durations(len(mel), len(ids)) if aligner is None else aligner.align(log, ids)
    return Reference(mel, ids, frames)


def clean_mel(wave: np.ndarray) -> np.ndarray:
    """The log-mel of a user's recording: without noise, and alike at every sample rate.

    The model was trained on a few voices without noise. Steady noise, and whether there is sound above
    11 kHz, change the pitch of a new voice (docs/experiments.md). So the mean spectrum of the quietest tenth
    is subtracted (Boll, "Suppression of acoustic noise in speech using spectral subtraction", 1979), and
    what 22.05 kHz cannot hold is left out.

    Args:
        wave: float32 [samples], 24 kHz.
    Returns:
        float32 [frames, 100].
    """
    narrow = resample(resample(wave, SAMPLE_RATE, NARROW_RATE), NARROW_RATE, SAMPLE_RATE)
    magnitude = np.exp(log_mel(narrow[: len(wave)]))
    means = magnitude.mean(axis=1)
    noise = magnitude[means <= np.quantile(means, 0.1)].mean(axis=0)
    least = np.maximum(LEAST_SHARE * magnitude, LOG_FLOOR)
    return fill_treble(np.log(np.maximum(magnitude - NOISE_WEIGHT * noise, least)).astype(np.float32))


def log_mel_with_treble(wave: np.ndarray) -> np.ndarray:
    """The log-mel of a recording; a little noise replaces missing treble.

    The corpus has sound up to 12 kHz. After a recording without treble (from a telephone, or at 16 kHz), the
    model misses the voice and its speech is 8 dB too loud (docs/experiments.md).

    Args:
        wave: float32 [samples], 24 kHz.
    Returns:
        float32 [frames, 100].
    """
    return fill_treble(log_mel(wave))


def fill_treble(mel: np.ndarray) -> np.ndarray:
    """A log-mel [frames, 100] with a little noise in place of missing treble, see `log_mel_with_treble`."""
    floor = noise_floor(NOISE_FLOOR)
    missing = np.quantile(mel, 0.95, axis=0) < floor
    treble = np.cumprod(missing[::-1])[::-1].astype(bool)  # bins above which all are missing
    if treble.sum() < MISSING_BINS:  # the last ones are missing in the corpus too
        return mel
    return np.where(treble, np.maximum(mel, floor), mel)
