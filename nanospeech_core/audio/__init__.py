"""Sound as arrays: files, mel spectrograms, silence, cross-fades, playback."""
