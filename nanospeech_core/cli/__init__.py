"""The command lines: a table of the commands, a file for each, and their shared flags."""
