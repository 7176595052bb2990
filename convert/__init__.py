"""Convert checkpoints between PyTorch and MLX, quantize them, and list their contents."""
