"""Times of day and durations."""

import pytest

from nanospeech_core.text.english.normalize import normalize

TIMES = {
    # with a full stop
    "We meet at 5.30pm.": "We meet at five thirty P-M.",
    "We meet at 30pm.": "We meet at thirty P-M.",
    "See you at 55 p.m. then": "See you at fifty-five P-M then",
    "90am": "ninety A-M",
    "at 5.30 p.m. sharp": "at five thirty P-M sharp",
    "7.45am": "seven forty-five A-M",
    "from 10.05 a.m. on": "from ten oh five A-M on",
    "by 9.00 PM": "by nine P-M",
    "at 5.30 percent": "at five point three zero percent",
    # ranges
    "Open 9am-5pm.": "Open nine A-M to five P-M.",
    "10am–2pm": "ten A-M to two P-M",
    "9:00-17:30": "nine o'clock to seventeen thirty",
    "9-5pm": "nine to five P-M",
    "from 10 a.m.-4 p.m. on": "from ten A-M to four P-M on",
    "9–11:30 a.m.": "nine to eleven thirty A-M.",
    "10 a.m.–noon": "ten A-M to noon",
    # durations
    "The film is 1:05:30 long.": "The film is one hour, five minutes and thirty seconds long.",
    "1:30:00": "one hour and thirty minutes",
    "00:45:10 left": "forty-five minutes and ten seconds left",
    "a 2:03:59 marathon": "a two hours, three minutes and fifty-nine seconds marathon",
    "2h30m": "two hours and thirty minutes",
    "1h 5min": "one hour and five minutes",
    "5m 30s": "five minutes and thirty seconds",
    "at 14:30:05": "at fourteen thirty and five seconds",
    "at 9:05:07 UTC": "at nine oh five and seven seconds UTC",
    "a time of 3:59.4": "a time of three fifty-nine point four",
    # seconds
    "Wait 30s and stir.": "Wait thirty seconds and stir.",
    "a delay of 500ms": "a delay of five hundred milliseconds",
    "It took 45s.": "It took forty-five seconds.",
    "a 20s timer": "a twenty second timer",
    "within 90s": "within ninety seconds",
    "1s, then 2 s": "one second, then two seconds",
    "10 sec. later": "ten seconds later",
    # short, military, minutes
    "6:12a and 7:48p": "six twelve A-M and seven forty-eight P-M",
    "0800-1700 hrs": "oh eight hundred to seventeen hundred hours",
    "at 0630": "at oh six thirty",
    "by 1430 hours": "by fourteen thirty hours",
    "until 0000 hours": "until zero hundred hours",
    "0800 123 456": "zero eight zero zero, one two three, four five six",
    "a 29:45 finish": "a twenty-nine forty-five finish",
    "in 45:00": "in forty-five minutes",
    "60:40 split": "sixty to forty split",
    "odds of 30:20": "odds of thirty to twenty",
    "scale 1:50,000": "scale one to fifty thousand",
}
BRITISH = {
    "at 5.30 we left": "at five thirty we left",
    "until 17.45": "until seventeen forty-five",
    "from 9.15 to noon": "from nine fifteen to noon",
    "at 4.50%": "at four point five zero percent",
    "about 3.14 of them": "about three point one four of them",
}


@pytest.mark.parametrize(("written", "spoken"), TIMES.items(), ids=TIMES)
def test_time(written, spoken):
    assert normalize(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), BRITISH.items(), ids=BRITISH)
def test_british_time(written, spoken):
    assert normalize(written, "en-gb") == spoken
