"""The curves of fades and cross-fades, and `splice`. All curves are raised cosines.

They are used between the chunks of a stream (`synthesis.streaming`), at the ends of segments
(`synthesis.assembly`) and around an edit (`editing`).
"""

from __future__ import annotations

import numpy as np

from .mel import SAMPLE_RATE
from .signal import mix

FADE_SECONDS = 0.01
SHIFT_SECONDS = 0.006  # how far `splice` moves new speech so that its waveform meets the old one's


def raised_cosine(samples: int, offset: float) -> np.ndarray:
    """A rise from 0 to 1, float64 [samples].

    offset: where in a sample its value is taken. 0: the first value is 0. 0.5: the rise is symmetric, so that
        it and its reverse add up to 1.
    """
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + offset) / max(samples, 1))


def fade(
    wave: np.ndarray,
    rise: bool,
    fall: bool,
    seconds: float = FADE_SECONDS,
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """A copy of float32 [samples] that fades in (`rise`) or out (`fall`), so that its ends do not click."""
    wave = np.array(wave, dtype=np.float32)
    n = min(round(seconds * sample_rate), len(wave) // 2)
    ramp = raised_cosine(n, 0.0).astype(np.float32)
    if rise:
        wave[:n] *= ramp
    if fall:
        wave[len(wave) - n :] *= ramp[::-1]
    return wave


def crossfade(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """From `old` to `new`, both [samples] or [samples, channels] of one length and type."""
    ramp = raised_cosine(len(new), 0.5).astype(new.dtype).reshape(-1, *[1] * (new.ndim - 1))
    return (1 - ramp) * old + ramp * new


def splice(
    wave: np.ndarray,
    new: np.ndarray,
    replaced: tuple[float, float | None],
    used: tuple[float, float],
    sample_rate: int,
) -> np.ndarray:
    """Replace a part of `wave` by a part of `new`, with a cross-fade on both sides.

    The cross-fades are outside the replaced part. On each side `new` is moved by a few milliseconds to the
    place where its waveform is most like the old one, so that their periods meet. This changes the duration.
    `new` gets the constant offset of `wave`, so that there is no step.

    Args:
        wave: [samples] or [samples, channels].
        new: [samples], at the same rate.
        replaced: seconds (begin, end) of `wave`; no cross-fade at a begin of 0 and at an end of None.
        used: seconds (begin, end) of `new`.
        sample_rate: of both, in Hz.
    Returns:
        The new waveform, with the dtype and the channels of `wave`.
    """
    fade_length, shift = round(FADE_SECONDS * sample_rate), round(SHIFT_SECONDS * sample_rate)
    left, begin = round(replaced[0] * sample_rate), round(used[0] * sample_rate)
    right = len(wave) if replaced[1] is None else min(round(replaced[1] * sample_rate), len(wave))
    end = min(round(used[1] * sample_rate), len(new))
    offset = wave.mean(axis=0)
    mono = mix(wave - offset)
    head, tail = min(fade_length, left, begin), min(fade_length, len(wave) - right, len(new) - end)
    begin = best_match(mono[left - head : left], new, begin - head, shift)
    end = max(begin + head, best_match(mono[right : right + tail], new, end, shift))
    middle = new[begin : end + tail].astype(wave.dtype)
    if wave.ndim == 2:
        around = slice(max(0, left - sample_rate), right + sample_rate)
        middle = middle[:, None] * channel_levels(wave[around] - offset, mono[around])
    middle = middle + offset
    middle[:head] = crossfade(wave[left - head : left], middle[:head])
    ends = len(middle) - tail
    middle[ends:] = crossfade(middle[ends:], wave[right : right + tail])
    return np.concatenate((wave[: left - head], middle, wave[right + tail :]))


def channel_levels(wave: np.ndarray, mono: np.ndarray) -> np.ndarray:
    """How loud each channel of [samples, channels] is, relative to their mean: [channels], of its type.

    A channel of opposite phase to `mono` [samples] has a level below 0.
    """
    levels = np.sqrt(np.square(wave).mean(axis=0))
    shares = levels / levels.mean() if levels.any() else np.ones_like(levels)
    return (shares * np.where(mono @ wave < 0, -1, 1)).astype(wave.dtype)


def best_match(target: np.ndarray, wave: np.ndarray, start: int, shift: int) -> int:
    """The sample, at most `shift` from `start`, from which `wave` is most like `target`.

    By normalized cross-correlation; `start` if `target` is empty or silent.
    """
    low, high = max(0, start - shift), min(len(wave) - len(target), start + shift)
    if not len(target) or high < low or not np.any(target):
        return min(max(start, 0), len(wave))
    views = np.lib.stride_tricks.sliding_window_view(wave, len(target))[low : high + 1].astype(np.float64)
    scores = views @ target / np.sqrt(np.square(views).sum(axis=1) + 1e-9)
    return low + int(np.argmax(scores))
