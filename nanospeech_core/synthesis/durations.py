"""Predicted durations to whole frames."""

from __future__ import annotations

import numpy as np

from ..errors import UserError
from ..sampling.prompt import MAX_FRAMES


def whole_frames(log_frames: np.ndarray, speed: float, patch: int) -> np.ndarray:
    """Predicted log(1 + frames) [symbols] -> whole frames int64 [symbols], at least 1 each.

    The boundaries are rounded, so that errors do not add up; if a symbol is stretched to a whole frame, the
    next ones become shorter. The last pause is stretched to fill the last token.

    Raises:
        UserError: a prediction is not finite, because of broken weights.
    """
    if not np.isfinite(log_frames).all():
        raise UserError("the model predicts durations that are not finite; its weights are broken")
    frames = np.expm1(np.clip(np.asarray(log_frames, dtype=np.float64), 0.0, np.log1p(MAX_FRAMES))) / speed
    count = np.arange(1, len(frames) + 1)
    ends = np.maximum.accumulate(np.maximum(np.round(np.cumsum(frames)).astype(np.int64) - count, 0)) + count
    whole = np.diff(ends, prepend=0)
    whole[-1] += -int(whole.sum()) % patch
    return whole
