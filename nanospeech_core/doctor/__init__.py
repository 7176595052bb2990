"""What `nanospeech-mar doctor` checks: one function per check, run in another process."""
