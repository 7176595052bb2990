"""`nanospeech-mar COMMAND`, and the table of commands."""
