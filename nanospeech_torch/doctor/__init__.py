"""`doctor` on PyTorch."""
