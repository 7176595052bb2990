"""Everyday texts as people write them: mails, news, recipes, scores, invoices, code, abstracts."""

import pytest

from nanospeech_core.text.english.normalize import normalize

EVERYDAY = {
    # mails and chats
    "Pls RSVP by EOD Fri. — thx!": "Please RSVP by E-O-D Friday — thanks!",
    "I'll be 5-10 min late, ETA 6:45.": "I'll be five to ten minutes late, E-T-Eh six forty-five.",
    "Hi Dr. Lee, my appt. is on Tues., Nov. 5 at 3:15 p.m.": (
        "Hi Doctor Lee, my appointment is on Tuesday, November fifth at three fifteen P-M."
    ),
    "Re: your email of 10/28 — see attached (3 pp., PDF, 2.4MB).": (
        "Re: your email of October twenty-eighth — see attached (three pages, PDF, two point four megabytes)."
    ),
    "Got 3 msgs from ppl @ work re: the mtg": "Got three messages from people @ work re: the meeting",
    "Can't make it b/c of work, r u free tmrw?": "Can't make it because of work, r u free tomorrow?",
    "Happy 40th!! u don't look a day over 39": "Happy fortieth!! u don't look a day over thirty-nine",
    "Wi-Fi is down in rm 204; call ext. 5512.": (
        "Wi-Fi is down in room two hundred four; call extension five five one two."
    ),
    # news
    "The 6.1-magnitude quake hit 35 km NNE of Nuku at 04:17 GMT.": (
        "The six point one-magnitude quake hit thirty-five kilometers north northeast of Nuku at four "
        "seventeen GMT."
    ),
    "Sen. Warren, D-Mass., met Gov. Cox on Jan. 6, 2021.": (
        "Senator Warren, D-Massachusetts, met Governor Cox on January sixth, twenty twenty-one."
    ),
    "The vote was 52-48 in the Senate.": "The vote was fifty-two to forty-eight in the Senate.",
    "In 2023, 1 in 5 adults (18+) had it.": (
        "In twenty twenty-three, one in five adults (eighteen plus) had it."
    ),
    "WWII ended in 1945; WW1 in 1918.": (
        "World War two ended in nineteen forty-five; World War one in nineteen eighteen."
    ),
    "A 7-year-old boy and his 2-yr-old sister": "A seven-year-old boy and his two year-old sister",
    "High 72°, low 55°, wind NW 10-15 mph, 30% chance of rain.": (
        "High seventy-two degrees, low fifty-five degrees, wind northwest ten to fifteen miles per "
        "hour, thirty percent chance of rain."
    ),
    "COVID: 1,234 new cases/day, 56/100k": (
        "COVID: one thousand two hundred thirty-four new cases per day, fifty-six per hundred thousand"
    ),
    # business
    "The Fed raised rates by 25 bps to 5.25%-5.50%.": (
        "The Fed raised rates by twenty-five basis points to five point two five percent to five point "
        "five zero percent."
    ),
    "Apple's market cap hit $3T; revenue was $94.8B, up 5% y/y.": (
        "Apple's market cap hit three trillion dollars; revenue was ninety-four point eight billion "
        "dollars, up five percent year over year."
    ),
    "Oil fell 2.3% to $78.45/bbl.": (
        "Oil fell two point three percent to seventy-eight dollars and forty-five cents per barrel."
    ),
    "Guidance: FY25 EPS $4.10–$4.30 vs. $4.22": (
        "Guidance: fiscal year twenty-five E-P-S four dollars and ten cents to four dollars and thirty cents "
        "versus four dollars and twenty-two cents"
    ),
    "Unemployment fell 0.2 pp to 3.7%.": (
        "Unemployment fell zero point two percentage points to three point seven percent."
    ),
    "Salary: $85K–$95K p.a. + bonus": (
        "Salary: eighty-five thousand dollars to ninety-five thousand dollars per annum + bonus"
    ),
    "Q2 sales +14% q/q to $3.4B": (
        "Q2 sales plus fourteen percent quarter over quarter to three point four billion dollars"
    ),
    # recipes
    "Preheat oven to 350°F/180°C and bake for 25–30 mins.": (
        "Preheat oven to three hundred fifty degrees Fahrenheit, one hundred eighty degrees Celsius and "
        "bake for twenty-five to thirty minutes."
    ),
    "Mix 1 c. flour, ½ tsp. salt & 2 Tbsp. butter.": (
        "Mix one cup flour, one half teaspoon salt & two tablespoons butter."
    ),
    "Add 1/2 c sugar and 1-1/2 c milk.": "Add one half cup sugar and one and one half cups milk.",
    "Simmer 1 1/2–2 hrs., stirring every 15 min.": (
        "Simmer one and one half to two hours, stirring every fifteen minutes."
    ),
    'Use a 9x13-inch pan or two 8" rounds.': "Use a nine by thirteen-inch pan or two eight inch rounds.",
    "Makes approx. 2 doz. cookies, 120 cal each.": (
        "Makes approximately two dozen cookies, one hundred twenty calories each."
    ),
    "1 (28 oz.) can of tomatoes, drained": "one (twenty-eight ounces) can of tomatoes, drained",
    "Gas mark 4 (180C/160C fan)": (
        "Gas mark four (one hundred eighty degrees Celsius, one hundred sixty degrees Celsius fan)"
    ),
    # sports
    "The Lakers beat the Celtics 112–108 in OT.": (
        "The Lakers beat the Celtics one hundred twelve to one hundred eight in O-T."
    ),
    "He ran a 4:03 mile and a 29:45 10K.": "He ran a four oh three mile and a twenty-nine forty-five ten K.",
    "QB went 22/35 for 310 yds and 3 TDs.": (
        "QB went twenty-two out of thirty-five for three hundred ten yards and three T-D's."
    ),
    "The 4x100m relay in 38.2s": "The four by one hundred meter relay in thirty-eight point two seconds",
    "2,000m row in 6:45.2; avg 1:41.3/500m": (
        "two thousand meters row in six forty-five point two; average one forty-one point three per "
        "five hundred meters"
    ),
    "Her pace was 7:48/mi.": "Her pace was seven forty-eight per mile.",
    # invoices and homes
    "Invoice #00123, due net 30, total $1,299.00.": (
        "Invoice number zero zero one two three, due net thirty, total one thousand two hundred "
        "ninety-nine dollars."
    ),
    "Qty. 3 @ $4.99 each = $14.97": (
        "Quantity three @ four dollars and ninety-nine cents each equals fourteen dollars and "
        "ninety-seven cents"
    ),
    "Acct. ending in 4432 was charged £12.99.": (
        "Account ending in four four three two was charged twelve pounds and ninety-nine pence."
    ),
    "Prices from £9.99pp, 2 for £15": (
        "Prices from nine pounds and ninety-nine pence per person, two for fifteen pounds"
    ),
    "Room rate: $129/night, 2-night min.": (
        "Room rate: one hundred twenty-nine dollars per night, two-night minimum."
    ),
    "3BR/2BA house, 0.5 ac lot, built 1968.": (
        "three bedrooms, two bathroom house, zero point five acre lot, built nineteen sixty-eight."
    ),
    "2 BR, 1.5 BA, 980 sf, $2,100/mo.": (
        "two bedrooms, one point five bathrooms, nine hundred eighty square feet, two thousand one "
        "hundred dollars per month."
    ),
    "VAT @ 20%: £45.00; total inc. VAT £270.00": (
        "VAT @ twenty percent: forty-five pounds; total including VAT two hundred seventy pounds"
    ),
    "10% off orders over $50 w/ code SAVE10.": "ten percent off orders over fifty dollars with code SAVE10.",
    # timetables and places
    "Train 2043 to Oxford, platform 3, dep. 09:47, arr. 10:52.": (
        "Train twenty forty-three to Oxford, platform three, departing nine forty-seven, arriving ten "
        "fifty-two."
    ),
    "Hours: M-F 8:00 AM - 4:30 PM": "Hours: Monday to Friday eight A-M to four thirty P-M",
    "Bus 42 runs every 10-15 min until 11:30pm.": (
        "Bus forty-two runs every ten to fifteen minutes until eleven thirty P-M."
    ),
    "Sunrise 6:12a, sunset 7:48p.": "Sunrise six twelve A-M, sunset seven forty-eight P-M.",
    "It's 3 mi. N of town, elev. 5,280 ft.": (
        "It's three miles north of town, elevation five thousand two hundred eighty feet."
    ),
    "10 Downing St, London SW1A 2AA": "ten Downing Street, London S W one Eh, two Eh Eh",
    "N. Main St. & 3rd Ave. NE": "N Main Street & third Avenue NE",
    "Ste. 200, 1600 Penn. Ave., Washington, D.C. 20500": (
        "suite two hundred, sixteen hundred Penn. Avenue, Washington, D-C two zero five zero zero"
    ),
    # code
    "See PR #452: it fixes a bug in utils.py, line 88.": (
        "See PR number four hundred fifty-two: it fixes a bug in utils dot py, line eighty-eight."
    ),
    "We moved to Python 3.12; tests run 1.5x faster.": (
        "We moved to Python three point twelve; tests run one point five times faster."
    ),
    "It uses ~2 GB of RAM and 8 CPUs at 3.2 GHz.": (
        "It uses about two gigabytes of RAM and eight C-P-U's at three point two gigahertz."
    ),
    "Latency dropped from 120ms to 85ms (p99.9: 300ms).": (
        "Latency dropped from one hundred twenty milliseconds to eighty-five milliseconds (p99 point "
        "nine: three hundred milliseconds)."
    ),
    "Connect to 10.0.0.12:5432 or localhost:8080.": (
        "Connect to ten dot zero dot zero dot twelve, port fifty-four thirty-two or localhost, port "
        "eighty eighty."
    ),
    "5V/2A, 2.4/5 GHz, 100–240 V": (
        "five volts, two amps, two point four or five gigahertz, one hundred to two hundred forty volts"
    ),
    # science and medicine
    "A dose of 5 mg/kg/day was given to 12 rats.": (
        "A dose of five milligrams per kilogram per day was given to twelve rats."
    ),
    "Patients (mean age 54.3 ± 8.1 yrs) were randomized 1:1.": (
        "Patients (mean age fifty-four point three plus or minus eight point one years) were randomized "
        "one to one."
    ),
    "The difference was significant (p<.01; 95% CI, 1.2–3.4).": (
        "The difference was significant (p less than point zero one; ninety-five percent C-I, one point "
        "two to three point four)."
    ),
    "T = 300 K, P = 1 atm, V = 22.4 L": (
        "T equals three hundred kelvin, P equals one atmosphere, V equals twenty-two point four liters"
    ),
    "BP 118/76, HR 72 bpm, temp. 98.6°F": (
        "BP one hundred eighteen over seventy-six, HR seventy-two beats per minute, temperature "
        "ninety-eight point six degrees Fahrenheit"
    ),
    "a 45-y.o. male w/ a 3-day h/o fever": "a forty-five year old male with a three-day history of fever",
    "0.9% (w/v) NaCl at 37 °C for 24 h": (
        "zero point nine percent (weight by volume) N-Eh-C-L at thirty-seven degrees Celsius for "
        "twenty-four hours"
    ),
    "The star is 4.2 ly away.": "The star is four point two light years away.",
}
BRITISH = {
    "GDP grew 0.4% q/q and 2% y/y.": (
        "GDP grew zero point four percent quarter on quarter and two percent year on year."
    ),
    "Due 03/04/24, £250 incl. VAT.": (
        "Due April third, twenty twenty-four, two hundred and fifty pounds including VAT."
    ),
    "w/c 14 Oct, rm 204": "week commencing the fourteenth of October, room two hundred and four",
    "10.0.0.1:443": "ten dot zero dot zero dot one, port four forty-three",
    "120 bpm, €1.234,56": (
        "one hundred and twenty beats per minute, one thousand two hundred and thirty-four euros fifty-six"
    ),
}


@pytest.mark.parametrize(("written", "spoken"), EVERYDAY.items(), ids=EVERYDAY)
def test_everyday_text(written, spoken):
    assert normalize(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), BRITISH.items(), ids=BRITISH)
def test_british_text(written, spoken):
    assert normalize(written, "en-gb") == spoken
