"""Written text to sentences, words, phonemes and ids."""
