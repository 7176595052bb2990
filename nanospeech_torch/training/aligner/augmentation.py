"""Augmentation of mels: other speakers, microphones, rooms and sample rates."""

from __future__ import annotations

import numpy as np

from nanospeech_core.audio.mel import LOG_FLOOR


def augment_mel(mel: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """A log-mel [frames, bins] as if from another speaker, microphone, room and sample rate, float32.

    The bins are shifted (another vocal tract length), filtered (a tilt and slow cosines), in half of the
    cases cut off above 4 to 11 kHz (a lower sample rate), and mixed with noise up to 30 dB below speech.
    """
    if strength == 0:
        return mel
    bins = mel.shape[1]
    place = np.arange(bins) / bins
    shifted = np.clip(np.arange(bins) * (1 + strength * rng.uniform(-0.08, 0.08)), 0, bins - 1)
    low = np.minimum(shifted.astype(np.int64), bins - 2)
    part = (shifted - low).astype(np.float32)
    mel = mel[:, low] * (1 - part) + mel[:, low + 1] * part

    gain = rng.uniform(-1.2, 1.2) + rng.normal(0, 1.6) * (place - 0.5)
    for waves in (1, 2, 3):
        gain = gain + rng.normal(0, 0.3) * np.cos(2 * np.pi * (waves * place + rng.uniform()))
    cut = np.zeros(bins)
    if rng.uniform() < 0.5:
        cut = 2.0 * np.maximum(np.arange(bins) - bins * rng.uniform(0.62, 0.95), 0)
    noise = rng.uniform(-13, -4) - rng.uniform(0, 3) * place - cut * (rng.uniform() < 0.7)
    noise = noise + 0.35 * rng.standard_normal(mel.shape, dtype=np.float32)
    # the powers of speech and noise add up
    mixed = np.logaddexp(2 * (mel + strength * (gain - cut)), 2 * (noise + np.log(max(strength, 1e-9)))) / 2
    return np.maximum(mixed, np.log(LOG_FLOOR)).astype(np.float32)
