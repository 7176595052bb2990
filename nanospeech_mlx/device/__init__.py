"""What MLX needs of the machine: a fast BLAS, compiled kernels, streams of threads."""
