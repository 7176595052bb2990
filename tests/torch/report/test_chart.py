"""The curves of a report: averages, thinning, ticks, scales."""

import numpy as np
import pytest
from reports import Page

from nanospeech_torch.report import chart


def test_the_moving_average():
    values = np.random.default_rng(0).normal(size=40)
    for half in (0, 1, 7):
        expected = [
            values[max(0, i - min(half, i)) : i + min(half, i) + 1].mean() for i in range(len(values))
        ]
        np.testing.assert_allclose(chart.moving_average(values, half), expected, atol=1e-12)


def test_thinning_keeps_every_peak():
    steps, values = np.arange(10_000), np.ones(10_000)
    values[[17, 5003, 9998]] = (50.0, -50.0, 70.0)
    few_steps, few = chart.thin(steps, values, 100)
    assert len(few) <= 102 and {17, 5003, 9998, 0, 9999} <= set(few_steps)
    assert np.array_equal(few, values[few_steps]) and (np.diff(few_steps) > 0).all()
    assert (
        chart.thin(steps[:9], values[:9], 100)[0] is not None
        and len(chart.thin(steps[:9], values[:9])[0]) == 9
    )


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 0.00083, [0, 0.0002, 0.0004, 0.0006, 0.0008]),
        (-1.2, 1.2, [-1, -0.5, 0, 0.5, 1]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks(low, high, marks):
    assert chart.ticks(low, high) == pytest.approx(marks)


def test_logarithmic_ticks():
    assert chart.log_ticks(0.08, 9) == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5])
    assert chart.log_ticks(1e-4, 1e4) == pytest.approx([1e-4, 1e-2, 1, 1e2, 1e4])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (950, "950"),
        (2500, "2.5k"),
        (2e6, "2M"),
        (0.00075, "7.5e-4"),
        (1e-5, "1e-5"),
    ],
)
def test_ticks_are_short(value, text):
    assert chart.short(value) == text


def test_curves_lie_where_their_values_are():
    steps = np.array([0, 50, 100])
    line = chart.Line("x", steps, np.array([0.0, 5.0, 10.0]))
    made = Page(chart.draw(chart.Panel("t", [line], from_zero=True), 1, 0, 100))
    (curve,) = [e[1]["d"] for e in made.all("path") if e[1].get("class") is None]
    points = np.array([pair.split() for pair in curve[1:].split("L")], dtype=float)
    inner = chart.WIDTH - chart.LEFT - chart.RIGHT
    np.testing.assert_allclose(
        points[:, 0], [chart.LEFT, chart.LEFT + inner / 2, chart.LEFT + inner], atol=0.1
    )
    assert points[0, 1] == chart.HEIGHT - chart.BOTTOM and points[2, 1] >= chart.TOP
    assert points[1, 1] == pytest.approx((points[0, 1] + points[2, 1]) / 2, abs=0.1)
    marks = {e[2]: float(e[1]["y"]) - 3.5 for e in made.all("text") if e[1].get("text-anchor") == "end"}
    assert marks["0"] == pytest.approx(points[0, 1], abs=0.1) and marks["10"] == pytest.approx(
        points[2, 1], abs=0.1
    )


def test_a_wide_range_is_plotted_logarithmically():
    def scale(values, from_zero=False):
        line = chart.Line("", np.arange(len(values)), np.array(values))
        return chart.Scale(chart.Panel("", [line], from_zero), [line.values])

    wide = scale([100.0, 1.0, 0.01])
    assert wide.log
    heights = wide.y(np.array([100.0, 1.0, 0.01]))
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert not scale([2.0, 1.0]).log and not scale([100.0, 1.0], True).log and not scale([100.0, -1.0]).log
