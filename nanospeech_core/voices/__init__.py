"""Voices: recordings, the user's folder, references for the networks, alignment."""
