"""Alignment: which symbol is spoken when. The aligner's prior, and the best monotonic path.

After "One TTS Alignment To Rule Them All" (Badlani et al., arXiv 2108.10447). A path begins at the first
symbol and ends at the last; from one frame to the next it stays, or advances by one symbol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..audio.mel import HOP, SAMPLE_RATE, log_mel
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.prompt import with_pauses


class Aligner(Protocol):
    """The network that finds the durations of a recording."""

    def align(self, mel: np.ndarray, ids: np.ndarray, /) -> np.ndarray:
        """Log-mel [frames, mel_dim] and int64 [symbols] -> the frames of each symbol, int64 [symbols]."""

    def symbol_log_probs(self, mel: np.ndarray, ids: np.ndarray, /) -> np.ndarray:
        """The same -> the log-probability of each symbol in each frame, float32 [frames, symbols]."""


# A recording, float32 [samples], and its phonemes -> seconds at which each of " ", the phonemes, " " begins,
# and the end: float [phonemes + 3].
FindOnsets = Callable[[np.ndarray, str], np.ndarray]

MEL_MEAN, MEL_STD = -5.0, 2.5  # of log-mels, approximately: the aligner's input is (mel - mean) / std
MASKED = -1e4  # the logit of a symbol that only pads the batch


def beta_binomial_log_prior(frames: int, symbols: int, scale: float = 1.0) -> np.ndarray:
    """Log-probability that frame t of an even reading speaks symbol k: float32 [frames, symbols].

    Beta-binomial with n = symbols - 1, alpha = scale t, beta = scale (frames - t + 1), t from 1 (arXiv
    2108.10447, 3.2): wide in the middle, narrow at both ends, and narrower at a greater `scale`. Every row
    sums to one.
    """
    n = symbols - 1
    k = np.arange(n, dtype=np.float64)
    alpha = scale * np.arange(1, frames + 1, dtype=np.float64)[:, None]
    beta = scale * (frames + 1) - alpha
    # p(k + 1) / p(k) needs no gamma function; the rows are normalized at the end
    ratio = np.log((n - k) * (k + alpha)) - np.log((k + 1) * (n - 1 - k + beta))
    log_p = np.concatenate((np.zeros((frames, 1)), np.cumsum(ratio, axis=1)), axis=1)
    log_p -= log_p.max(axis=1, keepdims=True)
    return (log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))).astype(np.float32)


def monotonic_search(log_probs: np.ndarray) -> np.ndarray:
    """The frames of each symbol on the most probable monotonic path (Viterbi; arXiv 2108.10447, 3.3).

    Args:
        log_probs: float [frames, symbols]; -inf forbids a pair.
    Returns:
        int64 [symbols], each at least 1; they sum to `frames`. Of equally good paths, the one with the
        earliest boundaries.
    Raises:
        UserError: there are fewer frames than symbols, no symbols, or a probability is NaN.
    """
    frames, symbols = log_probs.shape
    if not 0 < symbols <= frames:
        raise UserError(
            f"{frames} frames of audio cannot be aligned to {symbols} symbols: each needs at least one frame"
        )
    if np.isnan(log_probs).any():
        raise UserError("the aligner gives probabilities that are not numbers; its weights are broken")
    moved = np.zeros((frames, symbols), dtype=bool)  # whether the best path to (t, k) comes from k - 1
    score = np.full(symbols, -np.inf)
    score[0] = log_probs[0, 0]
    before = np.full(symbols, -np.inf)
    for t in range(1, frames):
        before[1:] = score[:-1]
        moved[t] = before > score
        score = np.maximum(score, before) + log_probs[t]
    counts = np.zeros(symbols, dtype=np.int64)
    k = symbols - 1
    for t in range(frames - 1, -1, -1):
        counts[k] += 1
        k -= bool(moved[t, k]) or (k == t and k > 0)
    return counts


def apply_lag(durations: np.ndarray, lag: int) -> np.ndarray:
    """Frames of each symbol, int64 [symbols], with every boundary `lag` frames later; each is at least 1."""
    latest = durations.sum() - np.arange(len(durations) - 1, 0, -1)
    ends = np.minimum(np.cumsum(durations[:-1]) + lag, latest)
    return np.diff(ends, prepend=0, append=durations.sum())


def alignment_lag(config: ModelConfig) -> int:
    """By how many frames the model's durations are late, as those of its corpus are."""
    return 0 if config.aligner is None else config.aligner.lag


def boundaries(durations: np.ndarray, samples: int, lag: int) -> np.ndarray:
    """Where each symbol begins in the waveform, and the end, in samples: int64 [symbols + 1].

    Frame t is centered on sample 256 t; speech is `lag` frames ahead of its symbols.

    Args:
        durations: frames of each symbol, int64 [symbols].
        samples: of the waveform.
        lag: frames, see `alignment_lag`.
    """
    ends = (np.cumsum(durations) - lag) * HOP
    ends[-1] = samples
    return np.clip(np.concatenate(([0], ends)), 0, samples).astype(np.int64)


def onset_finder(config: ModelConfig, aligner: Aligner | None) -> FindOnsets | None:
    """Finds the onset of each phoneme of a recording by the checkpoint's aligner; None without an aligner."""
    if aligner is None or config.text.kind != "phonemes":
        return None
    index_of = {symbol: index for index, symbol in enumerate(config.text.vocab)}

    def find_onsets(wave: np.ndarray, phonemes: str) -> np.ndarray:
        ids = np.array([index_of.get(symbol, -1) for symbol in phonemes], dtype=np.int64)
        durations = aligner.align(log_mel(wave), with_pauses(ids, config))
        return boundaries(durations, len(wave), alignment_lag(config)) / SAMPLE_RATE

    return find_onsets
