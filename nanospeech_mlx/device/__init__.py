"""What MLX needs from the machine: a fast BLAS, compiled kernels, and streams freed when a thread ends."""
