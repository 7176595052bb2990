"""Reading numbers and abbreviations aloud."""

import sys
import time

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.english.normalize import normalize
from nanospeech_core.text.readings.rules import speller

READINGS = {
    # money
    "$3.50": "three dollars and fifty cents",
    "$1": "one dollar",
    "$1.01": "one dollar and one cent",
    "$0.05": "five cents",
    "£17.50": "seventeen pounds and fifty pence",
    "€3 million": "three million euros",
    "$2.5bn": "two point five billion dollars",
    "$1,000,000": "one million dollars",
    "a $5 bill": "a five dollar bill",
    "-$5": "minus five dollars",
    "50¢": "fifty cents",
    "$.50": "fifty cents",
    "-$.01": "minus one cent",
    "$.5 and $.00": "point five dollars and zero dollars",
    "€3,50.": "three euros fifty.",
    "a €1,99 bun": "a one euro ninety-nine bun",
    "€3,50-€4,75": "three euros fifty to four euros seventy-five",
    "€0,50, €3,05 or €3,00": "fifty cents, three euros and five cents or three euros",
    "€3,50 million": "three point five zero million euros",
    "€1,000 or €2,000.50": "one thousand euros or two thousand euros and fifty cents",
    "$1, 20, 30": "one dollar, twenty, thirty",
    "€10,20,30": "ten euros,twenty,thirty",
    # numbers
    "3.14": "three point one four",
    "12,345.67": "twelve thousand three hundred forty-five point six seven",
    "-5": "minus five",
    "007": "zero zero seven",
    "1,000th": "one thousandth",
    "the 1st and 23rd": "the first and twenty-third",
    "1/2, 3/4 and 3 1/2": "one half, three quarters and three and one half",
    "3½": "three and one half",
    "3⅘": "three and four fifths",
    "24/7": "twenty-four seven",
    "version 1.2.3": "version one point two point three",
    "v1.2.3": "v one point two point three",
    "(version v3.11, Type V2.0)": "(version v three point eleven, Type v two point zero)",
    "v2 at 192.168.1.1": "v2 at one hundred ninety-two dot one hundred sixty-eight dot one dot one",
    "1, 2, 3": "one, two, three",
    "4K in 3D": "four K in three D",
    "H2O and mp3": "H two O and mp3",
    "COVID-19": "COVID-nineteen",
    "3x4": "three by four",
    "16:9": "sixteen to nine",
    "pages 3-5": "pages three to five",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "5 - 3 = 2": "five minus three equals two",
    "1234567890123456": "one two three four five six seven eight nine zero one two three four five six",
    # percentages and measures
    "10.5%": "ten point five percent",
    "3-5 km": "three to five kilometers",
    "1 km": "one kilometer",
    "a 5 km run": "a five kilometer run",
    "a walk of 5-km length": "a walk of five kilometer length",
    "60 km/h": "sixty kilometers per hour",
    "-5 °C": "minus five degrees Celsius",
    "10℃ inside": "ten degrees Celsius inside",
    "-5℃ to 41℉": "minus five degrees Celsius to forty-one degrees Fahrenheit",
    "5 m²": "five square meters",
    "5 ft. tall": "five feet tall",
    "100 kWh": "one hundred kilowatt hours",
    "5'10\"": "five foot ten",
    # times and dates
    "at 10:30 a.m. today": "at ten thirty A-M today",
    "at 10:30 a.m.": "at ten thirty A-M.",
    "9:05 pm": "nine oh five P-M",
    "12:00": "twelve o'clock",
    "15:00": "fifteen hundred",
    "5pm": "five P-M",
    "1:02:03": "one hour, two minutes and three seconds",
    "July 4, 2020": "July fourth, twenty twenty",
    "Jan. 5": "January fifth",
    "The 4th of July": "The fourth of July",
    "4 July 2020": "the fourth of July twenty twenty",
    "2020-07-04": "July fourth, twenty twenty",
    "07/04/2020": "July fourth, twenty twenty",
    "25/12/2020": "December twenty-fifth, twenty twenty",
    "in 1905 and 1800": "in nineteen oh-five and eighteen hundred",
    "in 2001 and 2024": "in two thousand one and twenty twenty-four",
    "the 1990s and '80s": "the nineteen nineties and eighties",
    "the 1900s": "the nineteen hundreds",
    # abbreviations
    "Dr. Smith, Mr. Jones and Ms. Brown": "Doctor Smith, Mr Jones and Mizz Brown",
    "St. Paul lived on Main St. in town": "Saint Paul lived on Main Street in town",
    "at 10 Elm St.": "at ten Elm Street.",
    "No. 5": "number five",
    "No. We": "No. We",
    "#5": "number five",
    "#tag": "hashtag tag",
    "Fig. 3, p. 12, pp. 3-5": "figure three, page twelve, pages three to five",
    "cats vs. dogs, etc.": "cats versus dogs, et cetera.",
    "fruit, etc., and so on": "fruit, et cetera, and so on",
    "fruit (e.g. apples), i.e., food": "fruit (for example, apples), that is, food",
    "the U.S. Army": "the U-S Army",
    "in the U.S. The end": "in the U-S. The end",
    "J. K. Rowling": "J-K Rowling",
    "John F. Kennedy": "John F Kennedy",
    "A. Smith": "Eh Smith",
    "ten p.m. sharp": "ten P-M sharp",
    "and/or": "and or",
    # Roman numerals
    "Henry VIII": "Henry the eighth",
    "Louis XIV of France": "Louis the fourteenth of France",
    "World War II": "World War two",
    "Chapter IV": "Chapter four",
    "King Charles I was": "King Charles the first was",
    "when Charles I was": "when Charles I was",
    "Ferdinand Lopez": "Ferdinand Lopez",
    "George III. had it": "George the third had it",
    "Henry V, king": "Henry the fifth, king",
    "Mary L. Smith and Charles V. Jones": "Mary L Smith and Charles V Jones",
    "Lt. Col. A. G. Brown": "Lieutenant Colonel A-G Brown",
    "at 5 p.m": "at five P-M",
    "I am": "I am",
    # addresses
    "bob@example.com": "bob at example dot com",
    "https://www.example.com/a_b.": "www dot example dot com slash a underscore b.",
    "Visit example.org!": "Visit example dot org!",
    "555-1234": "five five five, one two three four",
    "+1 800-555-0199": "plus one, eight zero zero, five five five, zero one nine nine",
    # typography
    "It’s — well – so -- fine": "It's — well — so — fine",
    "**bold** and `code`": "bold and code",
    "# Heading": "Heading",
    "[a link](https://example.com)": "a link",
}


@pytest.mark.parametrize(("written", "spoken"), READINGS.items(), ids=READINGS)
def test_reading(written, spoken):
    assert normalize(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("105", "one hundred and five"),
        ("07/04/2020", "April seventh, twenty twenty"),
        ("in 2001", "in two thousand and one"),
    ],
)
def test_british_reading(written, spoken):
    assert normalize(written, "en-gb") == spoken


@pytest.mark.parametrize(
    "text",
    [
        "He said, \"It's all right; isn't it?\" -- no, he didn't.".replace("--", "—"),
        "The well-known man (so they say) went home: he was tired!",
        "AT&T & you",
        "Mrs Jones and the MIX of LEDs",
        "It was a mild, mixed civil case.",
    ],
)
def test_plain_text_stays(text):
    assert normalize(text) == text


def test_no_digit_is_left_alone():
    text = "On 3/4/2021 at 7:05 pm, 12 of 1,500 (0.8%) paid $9.99 for 3 kg; call 555-0199 or 1-800-555-0199."
    assert not any(character.isdigit() for character in normalize(text))


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1,",
        "a.",
        "1.",
        "A. ",
        "(",
        "a@",
        "1/",
        "*",
        "1-",
        "$",
        "I",
        "a-",
        "[a](",
        "1 ",
        "x.y",
        "St. ",
        "v1.",
        "$.",
        "€1,",
        "3 A ",
        "m/m ",
        "1/1 ",
        "5'",
        "0,5 ",
        "1.000.",
        "Dr. ",
        "$5/",
        "4° ",
        "Fr. No ",
        "0800-",
        "1 Cor. ",
        "a.py",
        "10 mg/",
        "CPUs ",
        "read ",
        "took a a a a and read ",
        "I read a",
        "never use the ",
        "Tom Tom read ",
    ],
)
def test_hostile_sentences_are_quick(unit):
    started = time.process_time()
    normalize(unit * (3000 // len(unit)))
    assert time.process_time() - started < 5


def test_without_the_library_of_number_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "unicode_rbnf", None)
    speller.cache_clear()
    assert normalize("No number.") == "No number."
    with pytest.raises(UserError, match="numbers need unicode-rbnf: pip install unicode-rbnf"):
        normalize("7 of them.")
    monkeypatch.undo()
    assert normalize("7 of them.") == "seven of them."
