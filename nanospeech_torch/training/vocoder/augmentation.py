"""Augmentation of recordings: other speakers, microphones, rooms and sample rates."""

from __future__ import annotations

import numpy as np

from nanospeech_core.audio.mel import SAMPLE_RATE

MAX_SPEED = 1.25  # of `augment_wave`


def augment_wave(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Samples [n] in int16's range as if from another speaker, microphone, room and sample rate.

    Each change has its own probability: faster or slower (pitch and vocal tract), filtered (a tilt and slow
    waves), with noise, and cut off above 3.5 to 10 kHz, as sharply as by resampling. A vocoder that was
    trained on clean synthetic speech alone keeps recordings of people intelligible, but no more.
    """
    if rng.uniform() < 0.5:
        import soxr

        speed = rng.uniform(1 / MAX_SPEED, MAX_SPEED)
        samples = soxr.resample(samples.astype(np.float32), SAMPLE_RATE * speed, SAMPLE_RATE, quality="MQ")
    n = len(samples)
    spectrum = np.fft.rfft(samples, 2 * n)  # twice the length: filters do not wrap around
    hz = np.fft.rfftfreq(2 * n, 1 / SAMPLE_RATE)
    if rng.uniform() < 0.7:
        spectrum *= random_frequency_response(hz, rng, tilt=1.5, ripple=1.5, most=15.0)
    if rng.uniform() < 0.5:
        noise = rng.standard_normal(2 * n) * np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
        tilt = 2.0 ** (-0.5 * rng.uniform(0.0, 1.5) * octaves_above_1khz(hz))  # white to nearly red
        spectrum += np.fft.rfft(noise) * tilt * 10.0 ** (rng.uniform(-70.0, -20.0) / 20.0)
    if rng.uniform() < 0.6:
        cutoff = np.exp(rng.uniform(np.log(3500.0), np.log(10_000.0)))
        spectrum *= np.clip((cutoff - hz) / (0.05 * cutoff) + 1.0, 0.0, 1.0)
    return np.fft.irfft(spectrum, 2 * n)[:n]


def random_frequency_response(
    hz: np.ndarray, rng: np.random.Generator, tilt: float, ripple: float, most: float
) -> np.ndarray:
    """The gain of a random microphone or room at each frequency: a tilt and slow waves over the octaves.

    Args:
        hz: [bins], the frequencies.
        rng: the random generator.
        tilt: its standard deviation, in dB an octave.
        ripple: the standard deviation of the waves, in dB.
        most: the greatest gain or loss, in dB.
    """
    octaves = octaves_above_1khz(hz)
    db = rng.normal(0.0, tilt) * octaves
    for waves in (0.15, 0.3, 0.6):  # an octave
        db = db + rng.normal(0.0, ripple) * np.cos(2 * np.pi * (waves * octaves + rng.uniform()))
    return 10.0 ** (np.clip(db, -most, most) / 20.0)


def octaves_above_1khz(hz: np.ndarray) -> np.ndarray:
    """Octaves above 1 kHz, negative below it. Frequencies under 50 Hz count as 50 Hz."""
    return np.log2(np.maximum(hz, 50.0) / 1000.0)
