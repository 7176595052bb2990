"""The networks on MLX; twins of `nanospeech_torch.models`."""
