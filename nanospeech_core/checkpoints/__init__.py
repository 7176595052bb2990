"""Checkpoints: folders, the hub, other projects' layouts, quantization."""
