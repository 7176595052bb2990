"""`python -m nanospeech_torch.prepare`: turn recordings and texts into shards to train on."""
