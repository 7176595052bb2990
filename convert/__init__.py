"""Checkpoints from PyTorch to MLX and back, to fewer bits, and a look inside them."""
