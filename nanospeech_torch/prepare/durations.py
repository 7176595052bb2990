"""The durations of a recording: those of the data, or those that an aligner finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS

from .recording import MissingRequirement, Reject

DURATION_UNIT = 600  # samples at 24 kHz, of durations that do not name their unit
TOLERANCE = 0.1  # seconds by which durations and audio may differ: codecs pad
# A phoneme that the aligner does not find gets one frame, 11 ms. Of 270 recordings of two data sets, 1% had a
# share of more than DOUBTFUL with their own texts, none more than WRONG; with another text, 90%.
DOUBTFUL, WRONG = 0.2, 0.25
FEW = 20  # phonemes, of which a share says little


class SupportsAlign(Protocol):
    """The interface of `nanospeech_torch.models.aligner.Aligner`."""

    def align(self, mel: np.ndarray, ids: np.ndarray) -> np.ndarray: ...


@dataclass
class AlignerSource:
    """An aligner that is loaded when it is first needed. Data sets with durations never need it.

    Args:
        model: a checkpoint folder or hub id; None: the embedded model.
        loaded: the aligner, if the caller has it already.
        vocab: its symbols, in order.
    """

    model: str | None = None
    loaded: SupportsAlign | None = None
    vocab: tuple[str, ...] = SYMBOLS

    def get(self) -> SupportsAlign:
        """Raises MissingRequirement."""
        if self.loaded is None:
            try:
                from .. import Nanospeech

                model = Nanospeech.from_pretrained(self.model)
            except (ImportError, UserError) as error:
                raise MissingRequirement(str(error)) from error
            if getattr(model, "aligner", None) is None:
                raise MissingRequirement(
                    f"{self.model or 'the embedded model'} has no aligner to find durations with: "
                    "name another model with --aligner, or use --no-align"
                )
            self.loaded, self.vocab = model.aligner, tuple(model.config.text.vocab)
        return self.loaded


def given_durations(meta: dict, phonemes: str, samples: int) -> list | None:
    """The durations in a json; None if it has none, or they do not fit."""
    durations, unit = meta.get("durations"), meta.get("duration_unit", DURATION_UNIT)
    if not isinstance(durations, list) or not all(map(is_length, [unit, *durations])) or not unit:
        return None
    off = abs(sum(durations) * unit - samples)
    fit = len(durations) == len(phonemes) + 2 and off <= TOLERANCE * SAMPLE_RATE
    return durations if fit and isinstance(meta.get("phonemes"), str) else None


def is_length(value: object) -> bool:
    """Whether this is a finite number, not negative."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9


def align(wave: np.ndarray, phonemes: str, source: AlignerSource) -> np.ndarray:
    """The frames of a pause, each phoneme, a pause: int64 [phonemes + 2].

    Raises Reject, MissingRequirement.
    """
    aligner = source.get()
    vocab = {symbol: i for i, symbol in enumerate(source.vocab)}
    ids = np.array([vocab[" "], *(vocab[symbol] for symbol in phonemes), vocab[" "]], dtype=np.int64)
    mel = log_mel(wave)
    try:
        frames = aligner.align(mel, ids)
    except UserError as error:
        raise Reject("the aligner finds no path", str(error)) from error
    if len(frames) != len(ids) or int(frames.sum()) != len(mel) or int(frames.min()) < 1:
        raise Reject("the aligner finds no path", f"{len(mel)} frames, {len(ids)} symbols")
    return frames


def lost_share(frames: np.ndarray) -> float:
    """The share of phonemes that the aligner did not find; 0 if there are too few to tell.

    frames: of a pause, each phoneme, a pause.
    """
    return float((frames[1:-1] == 1).mean()) if len(frames) - 2 >= FEW else 0.0
