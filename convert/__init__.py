"""Checkpoints from PyTorch to MLX and back, and a look inside them."""
