"""Markdown to text that can be spoken, while it is being written."""
