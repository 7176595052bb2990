"""Running averages of the metrics that a run logs."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class RunningMeans:
    """Weighted means of named scalars since the last `pop`. Tensors are read by `pop` only."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor | float] = {}
        self.weights: dict[str, float] = {}

    def add(self, values: Mapping[str, Tensor | float], weight: float = 1.0) -> None:
        for name, value in values.items():
            self.add_sum(name, weight * value, weight)

    def add_sum(self, name: str, amount: Tensor | float, count: float) -> None:
        """Add a sum over `count` things to the mean `name`."""
        self.sums[name] = self.sums.get(name, 0.0) + amount
        self.weights[name] = self.weights.get(name, 0.0) + count

    def pop(self) -> dict[str, float]:
        """Return the means and reset them. A mean over nothing is left out."""
        means = {
            name: float(value) / self.weights[name] for name, value in self.sums.items() if self.weights[name]
        }
        self.sums, self.weights = {}, {}
        return means
