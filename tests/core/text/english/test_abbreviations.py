"""Abbreviations, and whether their full stop ends the sentence."""

import pytest

from nanospeech_core.text.english.normalize import normalize

ABBREVIATIONS = {
    # before small letters and digits
    "Max. speed": "Maximum speed",
    "min. 3 people": "minimum three people",
    "the dept. of art": "the department of art",
    "approx. 20": "approximately twenty",
    "See no. 7, vol. 3, fig. 2.": "See number seven, volume three, figure two.",
    "Fig. A and Vol. II": "figure Eh and volume two",
    "p. iv and ch. 4": "page four and chapter four",
    "est. 1990, c. 1500": "established nineteen ninety, circa fifteen hundred",
    "He said no. I left.": "He said no. I left.",
    "Boston, Mass., and Miami, Fla.": "Boston, Massachusetts, and Miami, Florida.",
    "Smith v. Jones": "Smith versus Jones",
    "42nd St. station": "forty-second Street station",
    "on Oak Dr. now": "on Oak Drive now",
    # the full stop of the sentence
    "nuts, etc.": "nuts, et cetera.",
    "nuts, etc. Whether": "nuts, et cetera. Whether",
    "nuts, etc. and": "nuts, et cetera and",
    "Add 2 tbsp.": "Add two tablespoons.",
    "Add 2 tbsp. sugar": "Add two tablespoons sugar",
    # apostrophes
    "to th' coast": "to the coast",
    "'tis and rock 'n' roll": "'tis and rock 'n' roll",
}


@pytest.mark.parametrize(("written", "spoken"), ABBREVIATIONS.items(), ids=ABBREVIATIONS)
def test_abbreviation(written, spoken):
    assert normalize(written) == spoken
