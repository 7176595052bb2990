"""Files, streams, encodings, signals, threads: what surrounds every command."""
