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
    # titles before a name, and French
    "Fr. Brown sat down.": "Father Brown sat down.",
    "I spoke with Fr Brown and Br. Paul.": "I spoke with Father Brown and Brother Paul.",
    "The Fr. word for bread is pain.": "The French word for bread is pain.",
    "Insp. Morse and Det. Lee": "Inspector Morse and Detective Lee",
    "Mme. Curie, Cdr. Bond and Amb. Lee": "Madame Curie, Commander Bond and Ambassador Lee",
    "Sr. Mary and Rt. Hon. J. Smith": "Sister Mary and Right Honorable J Smith",
    "Dr. No is a film.": "Doctor No is a film.",
    "Dr. No was in room No. 5.": "Doctor No was in room number five.",
    "Mr. So and Dr. Who": "Mr So and Doctor Who",
    "He saw the Dr. The visit was short.": "He saw the Doctor. The visit was short.",
    "the St. John's Ambulance": "the Saint John's Ambulance",
    # slashes between letters
    "It is w/o sugar.": "It is without sugar.",
    "W/o milk, w/ sugar": "Without milk, with sugar",
    "w/in 5 days, w/out him": "within five days, without him",
    "b/c it rained": "because it rained",
    "B/c of rain, grade B/C": "Because of rain, grade B-C",
    "b/w photos": "black and white photos",
    "from b/w 5 and 10": "from between five and ten",
    "c/o John Smith": "care of John Smith",
    "it is n/a here": "it is N-Eh here",
    "Yes/no?": "Yes or no?",
    "He/she lost his/her bag.": "He or she lost his or her bag.",
    "Dear Sir/Madam,": "Dear Sir or madam,",
    "0.9% (w/v) NaCl": "zero point nine percent (weight by volume) N-Eh-C-L",
    "a 5% w/w salt solution": "a five percent weight by weight salt solution",
    "w/c 14 Oct": "week commencing the fourteenth of October",
    # over a period
    "Sales were up 5% y/y.": "Sales were up five percent year over year.",
    "CPI rose 0.3% m/m.": "CPI rose zero point three percent month over month.",
    "GDP grew 0.4% q/q.": "GDP grew zero point four percent quarter over quarter.",
    "up 8% YoY and 2% QoQ": "up eight percent year over year and two percent quarter over quarter",
    "prices fell 2% w/w": "prices fell two percent week over week",
    "down 3% MoM": "down three percent month over month",
    "Mom said wow.": "Mom said wow.",
    "a slope of 5 m/m": "a slope of five meters per meter",
    "earns $50k p.a. now": "earns fifty thousand dollars per annum now",
    # without a full stop
    "2,000 vs 3,000": "two thousand versus three thousand",
    "Approx 20 people, qty 3": "Approximately twenty people, quantity three",
    "thx, c u tmrw!": "thanks, c u tomorrow!",
    "Pls call; I got 3 msgs.": "Please call; I got three messages.",
    "The mtg is in rm 204.": "The meeting is in room two hundred four.",
    "Take hwy 101 to Rte. 66.": "Take highway one hundred one to route sixty-six.",
    "the MSG in food": "the MSG in food",
    "2 tsp salt, avg 5": "two teaspoons salt, average five",
    "Man Utd won.": "Man United won.",
    # streets
    "10 Downing St, London": "ten Downing Street, London",
    "on 5th Ave in town": "on fifth Avenue in town",
    "N. Main St. & 3rd Ave. NE": "N Main Street & third Avenue NE",
    "He lives at 12 Oak Rd now.": "He lives at twelve Oak Road now.",
    "St Paul and St. John": "Saint Paul and Saint John",
    # before a number
    "Pop. 12,500 (est. 2020)": "population twelve thousand five hundred (established twenty twenty)",
    "elev. 5,280 ft.": "elevation five thousand two hundred eighty feet.",
    "dep. 09:47, arr. 10:52": "departing nine forty-seven, arriving ten fifty-two",
    "Fl. 3, Rm. B-204": "floor three, room B-two hundred four",
    "r. 1509–47, fl. 1250": "reigned fifteen oh-nine to forty-seven, flourished twelve fifty",
    "2nd ed., ed. by J. Lee": "second edition, edited by J Lee",
    "late 19th c.": "late nineteenth century.",
    # parties, floors
    "Rep. Lee, R-Tex., spoke": "Representative Lee, R-Texas, spoke",
    "the 3rd fl. is out": "the third floor is out",
    "It was of no avail.": "It was of no avail.",
    "r. 5": "r. five",
}


@pytest.mark.parametrize(("written", "spoken"), ABBREVIATIONS.items(), ids=ABBREVIATIONS)
def test_abbreviation(written, spoken):
    assert normalize(written) == spoken
