"""Means of what a run logs."""

from __future__ import annotations

from torch import Tensor


class Means:
    """Weighted means of named scalars, each over the times it was given. Tensors are read by `take` only."""

    def __init__(self):
        self.sums: dict[str, Tensor | float] = {}
        self.weights: dict[str, float] = {}

    def add(self, values: dict[str, Tensor | float], weight: float = 1.0) -> None:
        for name, value in values.items():
            self.rate(name, weight * value, weight)

    def rate(self, name: str, amount: Tensor | float, of: float) -> None:
        """Count `amount` towards the mean `amount / of`."""
        self.sums[name] = self.sums.get(name, 0.0) + amount
        self.weights[name] = self.weights.get(name, 0.0) + of

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: float(value) / max(self.weights[name], 1e-12) for name, value in self.sums.items()}
        self.sums, self.weights = {}, {}
        return means
