"""The DDPM table against closed forms and Bayes' rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nanospeech_core.sampling.ddpm import TRAIN_STEPS, ddpm_alpha_bars, ddpm_table


def test_ddpm_alpha_bars_are_the_cosine_schedule():
    bars = ddpm_alpha_bars()
    assert bars.shape == (TRAIN_STEPS,) and bars.dtype == np.float64
    t = (np.arange(1, TRAIN_STEPS) / TRAIN_STEPS + 0.008) / 1.008 * np.pi / 2
    closed = np.cos(t) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    np.testing.assert_allclose(bars[:-1], closed, rtol=1e-9)  # the last beta is capped
    assert 0 < bars[-1] < 1e-5 and (np.diff(bars) < 0).all()


@pytest.mark.parametrize("steps", [1, 2, 10, 33, 100, 1000])
def test_ddpm_table_against_the_gaussian_posterior(steps):
    """q(x_{t-1} | x_t, x_0) by Bayes' rule for Gaussians: precisions add."""
    table = ddpm_table(steps)
    full = ddpm_alpha_bars()
    assert len(table) == steps
    assert [row.timestep for row in table] == sorted(row.timestep for row in table)
    assert table[0].timestep == 0
    assert table[-1].timestep == (TRAIN_STEPS - 1 if steps > 1 else 0)
    product = 1.0
    for i, row in enumerate(table):
        bar, previous = full[int(row.timestep)], full[int(table[i - 1].timestep)] if i else 1.0
        beta = math.exp(row.max_log_var)
        product *= 1 - beta
        assert product == pytest.approx(bar, rel=1e-6)
        assert row.sqrt_alpha_bar**2 == pytest.approx(bar)
        assert row.sqrt_alpha_bar**2 + row.sqrt_one_minus_alpha_bar**2 == pytest.approx(1)
        assert row.recip_sqrt_alpha_bar == pytest.approx(1 / math.sqrt(bar))
        # x_0 comes back from x_t and the noise in it
        x_t = row.sqrt_alpha_bar * 0.7 + row.sqrt_one_minus_alpha_bar * -1.3
        back = row.recip_sqrt_alpha_bar * x_t - row.sqrt_recip_alpha_bar_minus_one * -1.3
        assert back == pytest.approx(0.7, rel=1e-6)
        if i == 0:
            assert (row.mean_x0, row.mean_xt, row.noise) == (pytest.approx(1), 0, 0)
            continue
        precision = 1 / (1 - previous) + (1 - beta) / beta
        assert row.mean_x0 == pytest.approx(math.sqrt(previous) / (1 - previous) / precision, rel=1e-6)
        assert row.mean_xt == pytest.approx(math.sqrt(1 - beta) / beta / precision, rel=1e-6)
        assert row.min_log_var == pytest.approx(-math.log(precision), rel=1e-6)
        assert row.min_log_var < row.max_log_var
        assert row.noise == 1
    if steps > 1:
        assert table[0].min_log_var == table[1].min_log_var
