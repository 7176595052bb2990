"""Running averages of metrics."""

import pytest

torch = pytest.importorskip("torch")


from nanospeech_torch.training.monitoring.metrics import RunningMeans

# model guidance


def test_means():
    means = RunningMeans()
    means.add({"a": 1.0, "b": torch.tensor(2.0)})
    means.add({"a": 4.0}, weight=2.0)
    means.add_sum("r", 6.0, 4.0)
    means.add_sum("r", torch.tensor(0.0), 0.0)
    assert means.pop() == {"a": 3.0, "b": 2.0, "r": 1.5}
    assert means.pop() == {}
    means.add_sum("nothing", 0.0, 0.0)  # a loss that no row has
    assert means.pop() == {}
