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
    # European marks
    "1.234,56": "one thousand two hundred thirty-four point five six",
    "1.234.567,89": "one million two hundred thirty-four thousand five hundred sixty-seven point eight nine",
    "1.000.000 people": "one million people",
    "0,5 or 0,75": "zero point five or zero point seven five",
    "{0,1}": "{zero,one}",
    "1,5 million": "one point five million",
    "1'234.50": "one thousand two hundred thirty-four point five zero",
    "rooms 3,14": "rooms three,fourteen",
    "version 1.0.0": "version one point zero point zero",
    # out of, over
    "4.5/5 stars": "four point five out of five stars",
    "I gave it 9/10.": "I gave it nine out of ten.",
    "18/20 on the quiz": "eighteen out of twenty on the quiz",
    "10/10": "ten out of ten",
    "GPA 3.85/4.0": "GPA three point eight five out of four point zero",
    "6/8 time": "six eight time",
    "10/2 = 5": "ten divided by two equals five",
    "odds 3/1": "odds three to one",
    "on 12/31": "on December thirty-first",
    "20/20 vision": "twenty twenty vision",
    "1 in 10": "one in ten",
    "1-1/2 cups": "one and one half cups",
    "1 1/2–2 hrs": "one and one half to two hours",
    "100s of people": "hundreds of people",
    "1,000s of them": "thousands of them",
    "class of '05": "class of oh five",
    # times, over
    "3x/day": "three times per day",
    "p = 0.05/3": "p equals zero point zero five over three",
    "22/35 yards": "twenty-two out of thirty-five yards",
}


@pytest.mark.parametrize(("written", "spoken"), NUMBERS.items(), ids=NUMBERS)
def test_number(written, spoken):
    assert normalize(written) == spoken
