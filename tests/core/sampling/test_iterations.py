"""The iterations of a batch: rows of all its utterances."""

from __future__ import annotations

import numpy as np

from nanospeech_core.sampling.iterations import iterations
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.reveal import make_reveal_plan


def test_iterations_lay_utterances_end_to_end():
    masks = [np.arange(9) >= 2, np.arange(5) >= 1]
    plans = [
        make_reveal_plan(masks[0], 4, 0, 3.0),
        make_reveal_plan(masks[1], 2, 1, 3.0, temperature_schedule="linear"),
    ]
    noises = [Noise(0, 9, 3), Noise(1, 5, 3)]
    visible = np.zeros(18, bool)
    for k, iteration in enumerate(iterations(plans, noises, 9, 0.5, ddpm_steps=6)):
        parts = [(b, plan) for b, plan in enumerate(plans) if k < len(plan)]
        start = 0
        for b, plan in parts:
            count = len(plan.reveal[k])
            part = slice(start, start + count)
            assert np.array_equal(iteration.rows[part], 9 * b + plan.reveal[k])
            assert np.allclose(iteration.cfg[part], plan.cfg[k])
            assert np.allclose(iteration.temperature[part], 0.5 * plan.temperature[k])
            assert np.array_equal(iteration.initial[part], noises[b].initial[plan.reveal[k]])
            assert np.array_equal(iteration.noise[:, part], noises[b].steps(k, 6, count))
            start += count
        assert iteration.span == (0, 9) and np.array_equal(iteration.places, iteration.rows)
        assert start == len(iteration.rows) == len(iteration.cfg) and not visible[iteration.rows].any()
        visible[iteration.rows] = True
    assert k == 3 and np.array_equal(visible, np.concatenate((masks[0], masks[1], np.zeros(4, bool))))
    for near, iteration in enumerate(iterations(plans, noises, 9, 0.5, neighbors=1)):
        first, end = iteration.span
        inside = np.arange(18).reshape(2, 9)[:, first:end].reshape(-1)
        assert np.array_equal(inside[iteration.places], iteration.rows)
        masked = [plan.spans()[near] for plan in plans if near < len(plan)]
        assert first == max(0, min(s[0] for s in masked) - 1)
        assert end == min(9, max(s[1] for s in masked) + 1)
    unguided = [make_reveal_plan(mask, 4, 0) for mask in masks]
    assert all(
        iteration.cfg is None and iteration.noise is None
        for iteration in iterations(unguided, noises, 9, 1.0)
    )
