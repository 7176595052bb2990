"""Operations on waveforms: resampling, level, and the silence at their ends."""

from __future__ import annotations

import numpy as np

from .mel import SAMPLE_RATE

OPPOSITE = 0.2  # channels whose mean has a smaller part of their power cancel out; unlike sounds leave 0.5
SILENCE_RMS = 1e-3  # a block of 10 ms below it is silent; the embedded model's silence is below 3e-4


SILENT = -50.0  # dBFS: a level at which no speech is heard; speech is at -15 to -30


def to_model(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """[samples] or [samples, channels] at any rate -> float32 [samples], mono at 24 kHz."""
    return np.ascontiguousarray(resample(mix(wave), sample_rate, SAMPLE_RATE), dtype=np.float32)


def to_model_without_offset(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """`to_model` of a recording without what is below 20 Hz.

    At its own rate: to a resampler, a recording with an offset begins and ends with a click.
    """
    return to_model(without_offset(mix(wave), sample_rate), sample_rate)


def mix(wave: np.ndarray) -> np.ndarray:
    """[samples] or [samples, channels] -> [samples]: the mean of the channels, or the loudest one.

    The loudest one where the mean would be much quieter: channels of opposite phase cancel out.
    """
    if wave.ndim == 1:
        return wave
    if not len(wave):
        return wave[:, 0]
    mean, powers = wave.mean(axis=1), np.square(wave, dtype=np.float64).mean(axis=0)
    cancelled = np.square(mean, dtype=np.float64).mean() < OPPOSITE * powers.mean()
    return np.ascontiguousarray(wave[:, np.argmax(powers)]) if cancelled else mean


def without_offset(wave: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """[samples] without what is below 20 Hz: a constant offset, and the rumble of wind or of a table.

    It is no sound, but it would count as loud, and the model would hear a hum.
    """
    if not len(wave):
        return wave
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / sample_rate)
    return np.fft.irfft(spectrum * np.clip(hertz / 10 - 1, 0, 1), len(wave)).astype(wave.dtype)


def resample(wave: np.ndarray, old: int, new: int) -> np.ndarray:
    """[samples] at the rate `old` -> at the rate `new`."""
    if old == new:
        return wave
    import soxr

    return soxr.resample(wave, old, new)


def trim_silence(
    wave: np.ndarray, threshold_db: float = -40.0, keep_seconds: float = 0.05, sample_rate: int = SAMPLE_RATE
) -> np.ndarray:
    """Cut the silence at both ends; the result is empty if all of it is silent.

    A block of 10 ms is silent if its RMS is `threshold_db` below the loudest block's. `keep_seconds` of
    silence stay.
    """
    frame = sample_rate // 100
    padded = np.pad(wave.astype(np.float64), (0, -len(wave) % frame))
    power = (padded.reshape(-1, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > max(power.max(initial=0.0) * 10 ** (threshold_db / 10), 1e-12))
    if not len(loud):
        return wave[:0]
    keep = round(keep_seconds * sample_rate)
    return wave[max(0, loud[0] * frame - keep) : (loud[-1] + 1) * frame + keep]


def level(wave: np.ndarray) -> float:
    """The root mean square of float32 [samples] in dBFS; -180 at least."""
    return 20 * float(np.log10(np.sqrt(np.mean(np.square(wave))) + 1e-9)) if len(wave) else -180.0


def match_level(wave: np.ndarray, rms: float = 0.07, peak: float = 0.99) -> np.ndarray:
    """Scale to a root mean square, or as near to it as the peak allows; silence is returned as it is."""
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    if power <= 0:
        return wave
    gain = min(rms / power**0.5, peak / float(np.abs(wave).max()))
    return (wave * gain).astype(np.float32)


def sound_end(wave: np.ndarray) -> int:
    """The sample at which the last sound of float32 [samples] ends, to 10 ms; 0 if all of it is silent."""
    size = SAMPLE_RATE // 100
    whole = len(wave) // size
    if len(wave) % size and np.square(wave[whole * size :]).mean() > SILENCE_RMS**2:
        return len(wave)
    for stop in range(whole, 0, -100):  # mostly it ends within the last second
        start = max(0, stop - 100)
        blocks = wave[start * size : stop * size].reshape(-1, size)
        loud = np.flatnonzero(np.square(blocks).mean(axis=1) > SILENCE_RMS**2)
        if len(loud):
            return size * (start + int(loud[-1]) + 1)
    return 0


def sound_begin(wave: np.ndarray) -> int:
    """The sample at which the first sound of float32 [samples] begins, to 10 ms; 0 if all of it is silent."""
    size = SAMPLE_RATE // 100
    for start in range(0, len(wave), 100 * size):  # mostly it begins within the first second
        loud = np.flatnonzero(block_levels(wave[start : start + 100 * size], size) > SILENCE_RMS)
        if len(loud):
            return start + size * int(loud[0])
    return 0


def longest_silence(wave: np.ndarray) -> np.ndarray:
    """The samples [start, stop) of the longest silence in float32 [samples], to 5 ms; (0, 0) if none."""
    size = SAMPLE_RATE // 200
    runs = true_runs(block_levels(wave, size) <= SILENCE_RMS)
    if not len(runs):
        return np.zeros(2, np.int64)
    return np.minimum(size * runs[np.argmax(runs[:, 1] - runs[:, 0])], len(wave))


def block_levels(wave: np.ndarray, size: int) -> np.ndarray:
    """The root mean square of each block of `size` samples, float64 [blocks]; the last one may be shorter."""
    starts = np.arange(0, len(wave), size)
    if not len(starts):
        return np.zeros(0)
    sums = np.add.reduceat(np.square(wave, dtype=np.float64), starts)
    return np.sqrt(sums / np.diff(starts, append=len(wave)))


def true_runs(values: np.ndarray) -> np.ndarray:
    """The ranges [start, stop) in which bool [values] are true: int64 [runs, 2]."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], values, [0])).astype(np.int8)))
    return edges.reshape(-1, 2)
