"""`python -m nanospeech_torch.prepare`: recordings and texts to shards that a model can be trained on."""
