"""Phonemes by espeak-ng (`phonemizer`), and which of them speak which word (`word_alignment`)."""
