"""Sampling, without the networks: options, reveal plans, schedules and noise, the same for both backends."""
