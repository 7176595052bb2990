"""Training: data, losses, trainers. Only the PyTorch backend trains."""
