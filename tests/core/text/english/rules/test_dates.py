"""Dates: each kind as people write it, and as it is read aloud."""

import pytest

from nanospeech_core.text.english.normalize import normalize

DATES = {
    # ISO, with and without zeros, with times and zones
    "Paid on 2023-11-30.": "Paid on November thirtieth, twenty twenty-three.",
    "due 2024/01/05": "due January fifth, twenty twenty-four",
    "since 1999-1-9": "since January ninth, nineteen ninety-nine",
    "built 2024-01-02 09:05:07": "built January second, twenty twenty-four, nine oh five and seven seconds",
    "2024-07-01T18:30Z": "July first, twenty twenty-four, eighteen thirty U-T-C",
    "2024-07-01T08:15:00+02:00": "July first, twenty twenty-four, eight fifteen U-T-C plus two",
    "2024-07-01T08:15:00-03:30": "July first, twenty twenty-four, eight fifteen U-T-C minus three thirty",
    "updated in 2024-03": "updated in March twenty twenty-four",
    # slashes
    "Due 4/15/2025.": "Due April fifteenth, twenty twenty-five.",
    "on 03/15/24": "on March fifteenth, twenty twenty-four",
    "signed 7/4/76": "signed July fourth, nineteen seventy-six",
    "by 12/25": "by December twenty-fifth",
    "Monday 3/4": "Monday March fourth",
    "due 5/6.": "due May sixth.",
    "on 9/11": "on nine eleven",
    "by 1/2 of a cup": "by one half of a cup",
    # dots
    "born 15.03.1994": "born March fifteenth, nineteen ninety-four",
    "The deadline is 31.12.2025.": "The deadline is December thirty-first, twenty twenty-five.",
    "am 1. 5. 2020": "am May first, twenty twenty",
    "dated 15.03.94": "dated March fifteenth, nineteen ninety-four",
    "since 1.2.2003": "since February first, two thousand three",
    "version 10.2.30": "version ten point two point thirty",
    # hyphens
    "03-15-1994": "March fifteenth, nineteen ninety-four",
    "15-03-1994": "March fifteenth, nineteen ninety-four",
    "on 5-6-24": "on May sixth, twenty twenty-four",
    "from 1-1-2000": "from January first, two thousand",
    "by 12-31-2025": "by December thirty-first, twenty twenty-five",
    # months in letters
    "May 5-7": "May fifth to seventh",
    "June 3–5, 2024": "June third to fifth, twenty twenty-four",
    "3-5 June 2024": "the third to the fifth of June twenty twenty-four",
    "May 30 - June 2": "May thirtieth to June second",
    "Dec. 24–26": "December twenty-fourth to twenty-sixth",
    "in Sept. 2023": "in September twenty twenty-three",
    "Jan.-Mar. 2024": "January to March twenty twenty-four",
    "Jan–Feb": "January to February",
    "on the 3rd of Oct. he": "on the third of October he",
    # weekdays
    "Open Mon.-Fri. and on Sat. too.": "Open Monday to Friday and on Saturday too.",
    "Mon–Thu 8am-6pm": "Monday to Thursday eight A-M to six P-M",
    "every Tues. at noon": "every Tuesday at noon",
    "Fri. May 5": "Friday May fifth",
    "Closed on Sun.": "Closed on Sunday.",
    "Sat. and Sun.": "Saturday and Sunday.",
    "It rose near the Sun.": "It rose near the Sun.",
    "They sat. The sun shone.": "They sat. The sun shone.",
    # seasons, ranges of years, decades
    "The 2024/25 season": "The twenty twenty-four twenty-five season",
    "the 1998/99 winter": "the nineteen ninety-eight ninety-nine winter",
    "1999/00": "nineteen ninety-nine oh zero",
    "1939–45": "nineteen thirty-nine to forty-five",
    "in 2014-15": "in twenty fourteen to fifteen",
    "1914-1918": "nineteen fourteen to nineteen eighteen",
    "in her 30s": "in her thirties",
    "the mid-1990s": "the mid-nineteen nineties",
    "the '60s and '70s": "the sixties and seventies",
    "songs of the 80s": "songs of the eighties",
    "the 1990's": "the nineteen nineties",
    # months and years, lists of days
    "exp. 12/2023": "expires December twenty twenty-three",
    "05/2027": "May twenty twenty-seven",
    "24-Dec-2023": "the twenty-fourth of December twenty twenty-three",
    "7-May-24": "the seventh of May twenty twenty-four",
    "FY2023": "fiscal year twenty twenty-three",
    "FY 2026 is": "fiscal year twenty twenty-six is",
    "Q3 FY24": "Q3 fiscal year twenty-four",
    "FY05 and FY'06": "fiscal year oh five and fiscal year oh six",
    "the CY2024 plan": "the calendar year twenty twenty-four plan",
    "FY25: up": "fiscal year twenty-five: up",
    "FY2020-21": "fiscal year twenty twenty to twenty-one",
    "AFY23 and FY7": "AFY23 and FY7",
    "FY23/24": "fiscal year twenty-three twenty-four",
    "FY2024/25": "fiscal year twenty twenty-four twenty-five",
    "Mon, Wed & Fri": "Monday, Wednesday & Friday",
    "M-F 8-5": "Monday to Friday eight to five",
    "Thurs 3/14": "Thursday March fourteenth",
    "by EOD Fri. — ok": "by E-O-D Friday — ok",
    "5/6 May": "the fifth to the sixth of May",
    "Mon 5 Aug – Fri 9 Aug": "Monday the fifth of August to Friday the ninth of August",
    "Tue, Thu and Sat": "Tuesday, Thursday and Saturday",
    # weekdays before a colon
    "Fri: high 24°C": "Friday: high twenty-four degrees Celsius",
    "Mon: closed": "Monday: closed",
}
BRITISH = {
    "03/04/2020": "April third, twenty twenty",
    "15/03/24": "March fifteenth, twenty twenty-four",
    "03/15/2024": "March fifteenth, twenty twenty-four",
    "03-04-2020": "April third, twenty twenty",
    "03.04.2020": "April third, twenty twenty",
    "2020-03-04": "March fourth, twenty twenty",
    "on 5/12": "on December fifth",
}


@pytest.mark.parametrize(("written", "spoken"), DATES.items(), ids=DATES)
def test_date(written, spoken):
    assert normalize(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), BRITISH.items(), ids=BRITISH)
def test_british_date(written, spoken):
    assert normalize(written, "en-gb") == spoken
