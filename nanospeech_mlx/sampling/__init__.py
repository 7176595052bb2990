"""The sample loops on MLX; twins of `nanospeech_torch.sampling`."""
