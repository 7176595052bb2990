"""Task "vocoder": mel spectrograms to waveforms."""
