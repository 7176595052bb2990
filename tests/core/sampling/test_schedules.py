"""The schedules against closed forms."""

import math

import numpy as np
import pytest

from nanospeech_core.sampling.reveal import bit_reversal
from nanospeech_core.sampling.schedules import guidance_scales, ode_times, pass_times, reveal_counts
from nanospeech_core.sampling.timesteps import time_frequencies

SWAYS = [-1.0, -0.5, 0.0, 0.4, 0.8]


@pytest.mark.parametrize("sway", SWAYS)
@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_ode_times_run_from_noise_to_data(steps, sway):
    times = ode_times(steps, sway)
    assert len(times) == steps + 1
    assert times[0] == 0
    assert times[-1] == pytest.approx(1, abs=1e-15)
    assert all(a < b for a, b in zip(times[:-1], times[1:], strict=True))


def test_pass_times_are_those_at_which_the_velocity_is_asked_for():
    times = ode_times(2)
    assert pass_times(times, "euler") == [0, 0.5]
    assert pass_times(times, "midpoint") == [0, 0.25, 0.5, 0.75]
    assert pass_times(times, "rk4") == [0, 0.25, 0.5, 0.75, 1.0]


def test_sway_bends_towards_the_noise_when_negative():
    assert ode_times(4) == [0, 0.25, 0.5, 0.75, 1]
    middle = [ode_times(2, sway)[1] for sway in SWAYS]
    assert middle == sorted(middle)
    assert middle[0] == pytest.approx(1 - math.cos(math.pi / 4))  # sway -1 is 1 - cos(pi t / 2)


@pytest.mark.parametrize("tokens", [*range(1, 30), 64, 257, 1000])
def test_reveal_counts_are_positive_and_sum_to_the_tokens(tokens):
    for num_iter in [*range(1, 40), 64, 256, 2000]:
        counts = reveal_counts(tokens, num_iter)
        assert len(counts) == min(num_iter, tokens)
        assert min(counts) > 0
        assert sum(counts) == tokens


def test_reveal_counts_follow_the_cosine():
    counts = reveal_counts(1000, 10)
    masked = 1000 - np.cumsum(counts)
    assert masked.tolist() == [math.floor(1000 * math.cos(math.pi / 2 * (k + 1) / 10)) for k in range(10)]
    assert counts == sorted(counts)  # few tokens first, many last


def test_reveal_counts_are_mars():
    """MAR's own loop, which may run out of tokens before its iterations end."""
    for tokens, num_iter in [(256, 64), (256, 256), (31, 12), (100, 8), (5, 5)]:
        counts, masked = [], tokens
        for k in range(num_iter):
            left = math.floor(tokens * math.cos(math.pi / 2 * (k + 1) / num_iter))
            left = max(1, min(masked - 1, left)) if k < num_iter - 1 else 0
            counts.append(masked - left)
            masked = left
        assert sum(counts) == tokens
        if 0 not in counts:
            assert reveal_counts(tokens, num_iter) == counts


def test_guidance_scales_end():
    counts = reveal_counts(100, 12)
    assert guidance_scales(counts, 3.0, "constant") == [3.0] * 12
    ramp = guidance_scales(counts, 3.0)
    assert ramp == sorted(ramp)
    assert ramp[0] == pytest.approx(1 + 2 * counts[0] / 100)
    assert ramp[-1] == pytest.approx(1 + 2 * 99 / 100)  # MAR counts at least one masked token
    assert guidance_scales(counts, 1.0) == [1.0] * 12
    assert guidance_scales([1], 3.0) == [3.0]


def test_time_frequencies():
    values = time_frequencies(128, 127)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, 10000.0 ** (-np.arange(128) / 127), rtol=1e-6)
    assert values[0] == 1


@pytest.mark.parametrize("bits", [0, 1, 3, 8])
def test_bit_reversal_reverses_the_bits(bits):
    expected = [int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(2**bits)]
    assert bit_reversal(bits).tolist() == expected
