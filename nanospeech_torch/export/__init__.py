"""`python -m nanospeech_torch.export`: a training run to a checkpoint folder."""
