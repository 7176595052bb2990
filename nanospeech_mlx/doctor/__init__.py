"""`doctor` on MLX."""
