"""The networks on PyTorch; twins of `nanospeech_mlx.models`."""
