"""The sample loops on PyTorch; twins of `nanospeech_mlx.sampling`."""
