"""Mathematics, signs, dashes and Markdown."""

import pytest

from nanospeech_core.text.english.normalize import normalize

MARKS = {
    # Markdown without its end
    "This is **bold without an end": "This is bold without an end",
    "Run `make install now": "Run make install now",
    "It is __not done": "It is not done",
    "This is ~~wrong": "This is wrong",
    "See [the manual](http://": "See the manual",
    "See [the manual](https://x.org/a_b": "See the manual",
    "See [the manual](": "See the manual",
    "See ![the map](map.png": "See the map",
    "See [the manual": "See the manual",
    "He wrote [sic] here": "He wrote [sic] here",
    "<b>bold without": "bold without",
    'the <a href="x.html">page</a>': "the page",
    'a <a href="x': "Eh",
    # minus
    "It was -10 outside.": "It was minus ten outside.",
    "3-2=1": "three minus two equals one",
    "10 - 4 = 6": "ten minus four equals six",
    "5 − 3": "five minus three",
    "x − y": "x minus y",
    "3 - 5 days": "three to five days",
    "so -- fine - yes": "so — fine — yes",
    "2020–present": "twenty twenty to present",
    # times, divided by
    "5 × 3 = 15": "five times three equals fifteen",
    "5 * 3": "five times three",
    "12 ÷ 4 = 3": "twelve divided by four equals three",
    "6.02 x 10²³": "six point zero two times ten to the power of twenty-three",
    "a·b": "a times b",
    # comparisons
    "If i < 10 then": "If i less than ten then",
    "p<0.05": "p less than zero point zero five",
    "x > 5": "x greater than five",
    "n ≥ 30": "n greater than or equal to thirty",
    "x != 3": "x not equal to three",
    "<5 minutes": "less than five minutes",
    ">100 people": "more than one hundred people",
    # equals, plus or minus, about
    "x = 5": "x equals five",
    "±5 percent": "plus or minus five percent",
    "3 ± 0.5 mm": "three plus or minus zero point five millimeters",
    "~50 km": "about fifty kilometers",
    "A → B": "A to B",
    # powers
    "10^6": "ten to the power of six",
    "10⁻³": "ten to the power of minus three",
    "mc² is famous": "m c squared is famous",
    "x^2 + y³": "x squared + y cubed",
    "e^x": "e to the X",
    "2^10": "two to the power of ten",
    "5 m²": "five square meters",
    # Markdown
    "It is ~~half~~ done.": "It is half done.",
    "~~gone~~, kept": "gone, kept",
    "a ~~b c~~ d": "a b c d",
    "**~~x~~**": "x",
    "~5 and ~~6~~": "about five and six",
    "see [the **map**](http://x.y/z).": "see the map.",
    # angles and directions
    "40.7128° N, 74.0060° W": (
        "forty point seven one two eight degrees north, seventy-four point zero zero six zero degrees west"
    ),
    "40°26′46″N": "forty degrees twenty-six minutes forty-six seconds north",
    "51°30'N 0°7'W": "fifty-one degrees thirty minutes north zero degrees seven minutes west",
    "33°51' S": "thirty-three degrees fifty-one minutes south",
    "Lat. 51.5° N": "latitude fifty-one point five degrees north",
    "a 45° angle": "a forty-five degree angle",
    "turn 90°": "turn ninety degrees",
    "3 mi. N of town": "three miles north of town",
    "wind NW 10 mph": "wind northwest ten miles per hour",
    "The N of it": "The N of it",
    # files, signs
    "utils.py and a_b.txt": "utils dot py and a underscore b dot txt",
    "run.sh, x.csv": "run dot sh, x dot csv",
    "See foo.io.": "See foo dot io.",
    "f/2.8": "f two point eight",
    "p99.9, PM2.5": "p99 point nine, PM2 point five",
    "Fig. 3A–C": "figure three A to C",
    "'24–'25": "'twenty-four to 'twenty-five",
    # streets, comparison
    "on E. 42nd St. now": "on East forty-second Street now",
    "35 km NNE of it": "thirty-five kilometers north northeast of it",
    "p<.01": "p less than point zero one",
}


@pytest.mark.parametrize(("written", "spoken"), MARKS.items(), ids=MARKS)
def test_mark(written, spoken):
    assert normalize(written) == spoken


def test_comparisons_are_no_tags():
    assert "<b and c>d" in normalize("if i<b and c>d")
    assert normalize("if i<b and c").endswith("<b and c")
