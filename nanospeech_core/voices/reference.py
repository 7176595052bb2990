"""A voice as the networks see it: the mel of its recording, its ids and their durations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..audio.mel import FRAME_RATE, N_MELS, SAMPLE_RATE, log_mel, noise_floor
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import pause_id, with_pauses

MISSING_BINS = 10  # at the top of the mel, above 9 kHz; see `audible`


FLOOR = 3e-4  # the root mean square of white noise, -70 dB; see `audible`


@dataclass(frozen=True)
class Reference:
    """A voice as the networks see it. Whole tokens: its frames are a multiple of the patch."""

    mel: np.ndarray  # float32 [frames, mel_dim], normalized
    ids: np.ndarray  # int64 [symbols]
    frames: np.ndarray  # int64 [symbols], the frames of each symbol; they sum to the mel's
    tempo: float = 1.0  # of the voice, see `Voice`


def spread(frames: int, symbols: int) -> np.ndarray:
    """`frames` dealt evenly to `symbols`: int64 [symbols]; their boundaries are rounded."""
    return np.diff(np.round(np.linspace(0, frames, symbols + 1)).astype(np.int64))


def seconds_to_frames(durations: np.ndarray, frames: int) -> np.ndarray:
    """Durations in seconds -> whole frames int64, by rounding the boundaries; the last is at `frames`."""
    ends = np.minimum(np.round(np.cumsum(durations) * FRAME_RATE).astype(np.int64), frames)
    ends[-1] = frames
    return np.diff(ends, prepend=0)


def make_reference(
    wave: np.ndarray,
    ids: np.ndarray,
    durations: np.ndarray | None,
    config: ModelConfig,
    align: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Reference:
    """A voice's recording as tokens.

    Args:
        wave: float32 [samples], 24 kHz.
        ids: int64 [symbols] of what is said, without pauses.
        durations: seconds [symbols + 2] with a pause at either end, or None: not known.
        config: the model's.
        align: finds durations that are not known, as `Aligner.align`; None: they are spread evenly.
    Raises:
        UserError: the recording is too short for its text, or the model's mel is of another kind.
    """
    patch = config.transformer.patch
    if config.transformer.mel_dim != N_MELS:
        raise UserError(
            f"the model's mel has {config.transformer.mel_dim} bins; voices are heard in {N_MELS}"
        )
    known = config.text.alignment == "durations"  # else an original checkpoint, which hears what there is
    heard = audible(wave) if known else log_mel(wave)
    heard = heard[: len(heard) // patch * patch]
    mel = ((heard - config.mel.mean) / config.mel.std).astype(np.float32)
    if config.text.alignment == "filler":
        if " " in config.text.vocab:  # between what the reference says and the sentence, as in Nanospeech
            ids = np.append(ids, pause_id(config))
        return Reference(mel, ids, np.zeros(0, dtype=np.int64))
    ids = with_pauses(ids, config)
    if len(mel) < len(ids):
        raise UserError(
            f"the reference audio of {len(wave) / SAMPLE_RATE:.1f} s is too short "
            f"for its text of {len(ids)} symbols"
        )
    if durations is not None:
        frames = seconds_to_frames(durations, len(mel))
    else:
        frames = spread(len(mel), len(ids)) if align is None else align(heard, ids)
    return Reference(mel, ids, frames)


def audible(wave: np.ndarray) -> np.ndarray:
    """The log-mel [frames, 100] of a recording, float32 [samples], as the acoustic model should hear it.

    Treble that is missing throughout gives way to a little noise. What the model has learned from reaches up
    to 12 kHz; a recording without treble, as a telephone or 16 kHz make it, is so far from that that its
    voice is missed and the speech comes out 8 dB too loud (docs/experiments.md).
    """
    mel, floor = log_mel(wave), noise_floor(FLOOR)
    missing = np.quantile(mel, 0.95, axis=0) < floor
    treble = np.cumprod(missing[::-1])[::-1].astype(bool)  # all above is missing too
    if treble.sum() < MISSING_BINS:  # the last of them are missing in speech that was learned from
        return mel
    return np.where(treble, np.maximum(mel, floor), mel)
