"""English: normalization and phonemes."""
