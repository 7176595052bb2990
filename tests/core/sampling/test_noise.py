"""Noise: seeded, standard normal, and free of the order of decoding."""

from __future__ import annotations

import numpy as np
import pytest

from nanospeech_core.sampling.noise import Noise


def test_initial_noise_belongs_to_the_position():
    """However long the utterance and whatever is masked: token i of a seed starts from the same noise."""
    short, long = Noise(4, 10, 6).initial, Noise(4, 25, 6).initial
    assert short.dtype == np.float32
    assert np.array_equal(long[:10], short)
    assert not np.array_equal(Noise(5, 10, 6).initial, short)


def test_step_noise_is_of_seed_and_iteration():
    noise = Noise(4, 10, 6)
    first = noise.steps(0, 5, 3)
    assert first.shape == (5, 3, 6) and first.dtype == np.float32
    assert np.array_equal(
        Noise(4, 99, 6).steps(0, 5, 3), first
    )  # asked later or for another length: the same
    assert not np.array_equal(noise.steps(1, 5, 3), first)
    assert not np.array_equal(Noise(5, 10, 6).steps(0, 5, 3), first)


def test_noise_is_standard_normal():
    noise = Noise(0, 2000, 50)
    for values in (noise.initial, noise.steps(0, 20, 100)):
        assert abs(values.mean()) < 4 / np.sqrt(values.size)
        assert values.std() == pytest.approx(1, abs=0.02)
    a, b = noise.initial.ravel()[:100000], noise.steps(0, 20, 100).ravel()[:100000]
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02  # two streams, not one
