"""Which symbol is spoken when: the prior of the aligner, and the best monotonic path through what it hears.

After "One TTS Alignment To Rule Them All" (Badlani et al., arXiv 2108.10447). A path begins at the first
symbol, ends at the last, and from one frame to the next stays or goes one symbol on.
"""

from __future__ import annotations

import numpy as np

from ..audio.mel import HOP
from ..config import ModelConfig
from ..errors import UserError

MEL_MEAN, MEL_STD = -5.0, 2.5  # of log-mels, about: the aligner sees (mel - mean) / std
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
        int64 [symbols], each at least 1; they sum to `frames`. Where paths are equally good, a boundary
        comes as early as it can.
    Raises:
        UserError: there are fewer frames than symbols, no symbols, or a probability is NaN.
    """
    frames, symbols = log_probs.shape
    if not 0 < symbols <= frames:
        raise UserError(
            f"{frames} frames of audio cannot be aligned to {symbols} symbols: one each is needed"
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


def delay(frames: np.ndarray, lag: int) -> np.ndarray:
    """Frames of each symbol, int64 [symbols], with every boundary `lag` later; each stays at least 1."""
    latest = frames.sum() - np.arange(len(frames) - 1, 0, -1)
    ends = np.minimum(np.cumsum(frames[:-1]) + lag, latest)
    return np.diff(ends, prepend=0, append=frames.sum())


def lag(config: ModelConfig) -> int:
    """How many frames the model's speech is ahead of its durations, as those that it learnt from are late."""
    return 0 if config.aligner is None else config.aligner.lag


def boundaries(frames: np.ndarray, samples: int, lag: int) -> np.ndarray:
    """Where each symbol begins in the wave, and the end: int64 [symbols + 1], in samples.

    Frame t is centred on sample 256 t; speech is `lag` frames ahead of its symbols.
    """
    ends = (np.cumsum(frames) - lag) * HOP
    ends[-1] = samples
    return np.clip(np.concatenate(([0], ends)), 0, samples).astype(np.int64)
