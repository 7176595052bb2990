"""What speaking results in: a waveform with times, and files of them."""
