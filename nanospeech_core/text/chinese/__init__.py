"""Mandarin: normalization and phonemes."""
