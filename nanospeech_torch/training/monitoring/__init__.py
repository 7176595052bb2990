"""What a run shows: samples, plots, error rates, trackers."""
