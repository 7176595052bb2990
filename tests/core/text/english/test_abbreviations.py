"""Abbreviations, letters as letters, formulas, Roman numerals."""

import pytest

from nanospeech_core.text.english.normalize import normalize

ABBREVIATIONS = {
    # letters
    "She has a B.A. in art.": "She has a B-Eh in art.",
    "Q&A starts": "Q and Eh starts",
    "R & D": "R and D",
    "N. I. N. A. and": "N-I-N-Eh and",
    "the U.S.A. and the U.K.": "the U-S-Eh and the U-K.",
    "I/O and N/A": "I-O and N-Eh",
    "Vitamin A is good": "Vitamin Eh is good",
    "from A to Z": "from Eh to Z",
    "got an A in it": "got an Eh in it",
    "A man has a plan": "A man has a plan",
    "a + b = c": "Eh + b equals c",
    "M.D. and M.B.A.": "M-D and M-B-Eh.",
    # formulas
    "NaCl is salt": "N-Eh-C-L is salt",
    "CO2 and H2O": "C-O two and H two O",
    "C6H12O6": "C six H twelve O six",
    "H₂SO₄": "H two S-O four",
    "O2": "O two",
    "B2B and MP3": "B2B and MP3",
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
    # Roman numerals
    "Scene iii begins.": "Scene three begins.",
    "chapter xii": "chapter twelve",
    "Act IV": "Act four",
    "Rocky II was": "Rocky two was",
    "Elizabeth II": "Elizabeth the second",
    "an ill civil mix": "an ill civil mix",
    # apostrophes
    "to th' coast": "to the coast",
    "'tis and rock 'n' roll": "'tis and rock 'n' roll",
}


@pytest.mark.parametrize(("written", "spoken"), ABBREVIATIONS.items(), ids=ABBREVIATIONS)
def test_abbreviation(written, spoken):
    assert normalize(written) == spoken
