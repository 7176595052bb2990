"""The learning rate's schedule."""

import pytest

pytest.importorskip("torch")

from nanospeech_torch.training.engine.learning_rate import learning_rate, progress


def test_learning_rate():
    def rate(step, steps=100, warmup=10):
        return learning_rate(step, progress(step, steps, 0.0, 0.0), 1.0, 0.1, warmup)

    assert rate(0) == pytest.approx(0.1) and rate(4) == pytest.approx(0.5, rel=0.01)
    assert rate(50) == pytest.approx(0.55) and rate(100) == pytest.approx(0.1)
    rates = [rate(step) for step in range(9, 101)]
    assert rates == sorted(rates, reverse=True)
    assert rate(0, warmup=0) == 1.0
    assert progress(30, 100, 90.0, 2.0) == 0.75 and progress(300, 100, 0.0, 0.0) == 1.0
