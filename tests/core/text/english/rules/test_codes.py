"""Codes digit by digit; scores, models and versions with hyphens."""

import pytest

from nanospeech_core.text.english.normalize import normalize

CODES = {
    # ISBN
    "ISBN 978-3-16-148410-0": "I-S-B-N nine seven eight, three, one six, one four eight four one zero, zero",
    "ISBN: 0-306-40615-X": "I-S-B-N zero, three zero six, four zero six one five, X",
    "ISBN-10: 0306406152": "I-S-B-N ten, zero three zero six four zero six one five two",
    "ISSN 2049-3630": "I-S-S-N two zero four nine, three six three zero",
    "ISBN 9780306406157": "I-S-B-N nine seven eight zero three zero six four zero six one five seven",
    # telephone
    "Call 020 7946 0958 now.": "Call zero two zero, seven nine four six, zero nine five eight now.",
    "0800 123 456": "zero eight zero zero, one two three, four five six",
    "(020) 7946 0958": "zero two zero, seven nine four six, zero nine five eight",
    "Call 555 123 4567": "Call five five five, one two three, four five six seven",
    "+44 20 7946 0958": "plus four four, two zero, seven nine four six, zero nine five eight",
    "Dial 911 now": "Dial nine one one now",
    "1-800-FLOWERS": "one, eight zero zero, FLOWERS",
    # postal codes
    "New York, NY 10118": "New York, N-Y one zero one one eight",
    "CA 94103-1234": "C-Eh nine four one zero three, one two three four",
    "zip code 90210": "zip code nine zero two one zero",
    "SW1A 2AA": "S W one Eh, two Eh Eh",
    "K1A 0B1": "K one Eh, zero B one",
    # cards and other codes
    "4111 1111 1111 1111": "four one one one, one one one one, one one one one, one one one one",
    "SSN 078-05-1120": "SSN zero seven eight, zero five, one one two zero",
    "My PIN is 4821.": "My PIN is four eight two one.",
    "error code 404": "error code four zero four",
    "ext. 204": "extension two zero four",
    "order #12345": "order number one two three four five",
    "order 2000 bottles": "order two thousand bottles",
    "555-1234": "five five five, one two three four",
    "100-1000 people": "one hundred to one thousand people",
    # models, scores, versions
    "Boeing 747-400 planes": "Boeing seven forty-seven four hundred planes",
    "Boeing 777-300ER": "Boeing seven seventy-seven three hundred ER",
    "a 737-800": "a seven thirty-seven eight hundred",
    "F-16 and B-52": "F-sixteen and B-fifty-two",
    "pages 100-200": "pages one hundred to two hundred",
    "won 3-2": "won three to two",
    "Count down 5-4-3-2-1.": "Count down five four three two one.",
    "a 4-4-2 formation": "a four four two formation",
    "1e-5": "one e minus five",
    "3.2e8": "three point two e eight",
    "version 2.10.3": "version two point ten point three",
    "GPT-4": "GPT-four",
    # addresses and ports
    "127.0.0.1:8080": "one hundred twenty-seven dot zero dot zero dot one, port eighty eighty",
    "10.0.0.12:22": "ten dot zero dot zero dot twelve, port twenty-two",
    "8.8.8.8": "eight dot eight dot eight dot eight",
    "10.0.0.0/24": "ten dot zero dot zero dot zero slash twenty-four",
    "localhost:3000": "localhost, port three thousand",
    "192.168.0.1:443": (
        "one hundred ninety-two dot one hundred sixty-eight dot zero dot one, port four forty-three"
    ),
    "at 1.2.3.400": "at one point two point three point four hundred",
    "at 12:30": "at twelve thirty",
    # verses
    "Gen. 1:1": "Genesis one one",
    "1 Cor. 13:4": "First Corinthians thirteen four",
    "John 3:16–18": "John three sixteen to eighteen",
    "2 Tim. 1:7": "Second Timothy one seven",
    "Psalm 23:4": "Psalm twenty-three four",
    "Matt. 5:3-12": "Matthew five three to twelve",
    # plural models, codes
    "B-52s and 747s": "B-fifty-twos and seven forty-sevens",
    "2x4s": "two by fours",
    "Text STOP to 55555.": "Text STOP to five five five five five.",
    "a card ending in 4432": "a card ending in four four three two",
    "Sort code 20-45-67": "Sort code two zero, four five, six seven",
    "order #A1029": "order number A1029",
    "account no. 12345678": "account number one two three four five six seven eight",
    "Python 3.12": "Python three point twelve",
    "version 2.10": "version two point ten",
    "iOS 17.4.1": "iOS seventeen point four point one",
    # more codes
    "under-12s": "under-twelves",
    "A/C No. 123-456-789": "A-C number one two three, four five six, seven eight nine",
    "kernel 6.8.0-31": "kernel six point eight point zero-thirty-one",
    "the 747-8": "the seven forty-seven eight",
    "D.C. 20500": "D-C two zero five zero zero",
}


@pytest.mark.parametrize(("written", "spoken"), CODES.items(), ids=CODES)
def test_code(written, spoken):
    assert normalize(written) == spoken
