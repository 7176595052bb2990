"""What a user gives in the text or beside it: pauses and phonemes (`markup`), a lexicon."""
