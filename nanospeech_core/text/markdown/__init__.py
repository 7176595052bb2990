"""Streaming Markdown to sentences for speech."""
