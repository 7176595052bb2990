"""Letters as letters, formulas, Roman numerals."""

import pytest

from nanospeech_core.text.english.normalize import normalize

LETTERS = {
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
    # Roman numerals
    "Scene iii begins.": "Scene three begins.",
    "chapter xii": "chapter twelve",
    "Act IV": "Act four",
    "Rocky II was": "Rocky two was",
    "Elizabeth II": "Elizabeth the second",
    "an ill civil mix": "an ill civil mix",
    # initialisms that espeak-ng reads as words
    "The ETA is 6.": "The E-T-Eh is six.",
    "Send it by EOD.": "Send it by E-O-D.",
    "an EV and two EVs": "an E-V and two E-V's",
    "8 CPUs, 2 TVs and IDs": "eight C-P-U's, two T-V's and I-D's",
    # sentences in capitals
    "IT WAS US.": "it WAS us.",
    "GIVE IT TO US, PLEASE!": "GIVE it TO us, PLEASE!",
    "WE TOLD Bob IT WAS ALL FOR US": "WE TOLD Bob it WAS ALL FOR us",
    "THE FBI IS IN THE US.": "THE FBI IS IN THE US.",
    "THE US ARMY AND THE IT TEAM ARE OUT.": "THE US ARMY AND THE IT TEAM ARE OUT.",
    "Our IT is in the US.": "Our IT is in the US.",
    "He works in IT at NASA": "He works in IT at NASA",
    "US GDP UP": "US GDP UP",
    "IT US": "IT US",
    "US$ and EU": "US$ and EU",
    "our FAQs": "our F-Eh-Q's",
    "the IMF, ECB and FAA": "the I-M-F, E-C-B and F-Eh-Eh",
    "LEDs and SIMs": "LEDs and SIMs",
    "an IV drip": "an I-V drip",
    "Henry IV had an IV.": "Henry the fourth had an I-V.",
    "AM radio, NASA, OPEC": "AM radio, NASA, OPEC",
    "WWII and WW1": "World War two and World War one",
    "Q&As": "Q and Eh's",
    "see pp. xii-xiv": "see pages twelve to fourteen",
    "Elizabeth I's reign": "Elizabeth the first's reign",
    # degrees, chapters
    "an Ed.D. in art": "an E-D-D in art",
    "B.Sc. and M.Sc.": "B-S-C and M-S-C",
    "see ch. iv.": "see chapter four.",
}


@pytest.mark.parametrize(("written", "spoken"), LETTERS.items(), ids=LETTERS)
def test_letters(written, spoken):
    assert normalize(written) == spoken
