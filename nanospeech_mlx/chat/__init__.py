"""`python -m nanospeech_mlx.chat`: talk with a language model."""
