"""Changing words in a recording."""
