"""`python -m nanospeech_torch.report RUN`: a training run as one HTML page."""
