"""Monitoring of a run: audio samples, plots, word error rates, trackers."""
