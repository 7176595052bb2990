"""Numbers without a unit: counts against years, thousands by spaces, large numbers, fractions."""

import pytest

from nanospeech_core.text.english.normalize import normalize

NUMBERS = {
    # counts and years
    "1984 bottles in 1984": "one thousand nine hundred eighty-four bottles in nineteen eighty-four",
    "1850 metres": "one thousand eight hundred fifty metres",
    "It needs 2048 samples.": "It needs two thousand forty-eight samples.",
    "1350 people came in 2012": "one thousand three hundred fifty people came in twenty twelve",
    "a file of 1024 bytes": "a file of one thousand twenty-four bytes",
    "1500 men": "fifteen hundred men",
    "2019 saw changes": "twenty nineteen saw changes",
    "The 1995 elections": "The nineteen ninety-five elections",
    "In 1984 prices rose.": "In nineteen eighty-four prices rose.",
    "on May 5, 1999 ships sailed": "on May fifth, nineteen ninety-nine ships sailed",
    "in the year 1066": "in the year ten sixty-six",
    "in 1066": "in ten sixty-six",
    "by 2150": "by twenty-one fifty",
    "the year 476": "the year four seventy-six",
    "AD 325 and 1200 BC": "AD three twenty-five and twelve hundred BC",
    # thousands by spaces
    "It costs 1 000 000 crowns.": "It costs one million crowns.",
    "10 000 people": "ten thousand people",
    "12\u2009500 km": "twelve thousand five hundred kilometers",
    "1\u202f234\u202f567": "one million two hundred thirty-four thousand five hundred sixty-seven",
    "about 2\u00a0500.5": "about two thousand five hundred point five",
    "rooms 1 20 300": "rooms one twenty three hundred",
    # large numbers, multiples
    "2.5bn": "two point five billion",
    "1.5M users": "one point five million users",
    "3m people": "three million people",
    "10x faster": "ten times faster",
    "5 lakh": "five lakh",
    "1,50,000": "one lakh fifty thousand",
    # fractions
    "1/16 inch": "one sixteenth inch",
    "2 1/2": "two and one half",
    "1⅞ cups": "one and seven eighths cups",
    "50/50": "fifty fifty",
    "2/3 of us": "two thirds of us",
}


@pytest.mark.parametrize(("written", "spoken"), NUMBERS.items(), ids=NUMBERS)
def test_number(written, spoken):
    assert normalize(written) == spoken
