"""How well a model speaks, and how fast: data sets, scorers, metrics, tables."""
