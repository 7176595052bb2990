"""From a text and a voice to prompts, and from mels to waveforms with times."""
