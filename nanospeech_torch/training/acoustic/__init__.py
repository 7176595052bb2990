"""Task "acoustic": the transformer, its diffusion head and the duration predictor."""
