"""Evaluations in parts, one for each job of an array, and their table."""
