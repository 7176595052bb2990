"""Characters that mean plainer ones, and where in the text as it is written they are read."""

import random
import re

import pytest

from nanospeech_core.text.languages import TABLE
from nanospeech_core.text.readings.folding import fold, unfold
from nanospeech_core.text.readings.rules import Reading, apply_readings, find_readings, make_rule
from nanospeech_core.text.traced import TracedText

FOLDED = {
    # apostrophes, dashes
    "wasnʼt": "wasn't",
    "I´m": "I'm",
    "It′s": "It's",
    "‘so’": "'so'",
    "we＇re": "we're",
    "A‑B ― C": "A-B — C",
    # accents typed as marks
    "cafe\u0301": "café",
    "e\u0301te\u0301": "été",
    "Zu\u0308rich": "Zürich",
    "sen\u0303or": "señor",
    # ligatures
    "oﬃce ﬁsh": "office fish",
    "ﬂoor aﬄuent oﬀ": "floor affluent off",
    # styles
    "𝗡𝗲𝘄𝘀 𝟏𝟎": "News 10",
    "𝓗𝓮𝓵𝓵𝓸": "Hello",
    "Ｗｏｒｄ １２": "Word 12",
    "ℋello": "Hello",
    "𝚌𝚘𝚍𝚎": "code",
    "Ⅷ": "VIII",
    "H₂O": "H2O",
    # Vietnamese
    "Phở Nguyễn Việt": "Pho Nguyen Viet",
    "Đà Nẵng": "Dà Nang",
    # spaces and squares
    "5\u00a0km": "5 km",
    "50㎡": "50m²",
    # fractions
    "2⅚": "2 5/6",
    "⅒": " 1/10",
    "soft\u00adware": "software",
    # what stays
    "¿Él? ¡Ñu!": "¿Él? ¡Ñu!",
    "Python™": "Python™",
}


def folded(text: str) -> str:
    return "".join(cluster.plain for cluster in fold(text))


@pytest.mark.parametrize(("written", "plain"), FOLDED.items(), ids=FOLDED)
def test_folded(written, plain):
    clusters = fold(written)
    assert folded(written) == plain and folded(plain) == plain
    assert [cluster.start for cluster in clusters] == [0, *(cluster.end for cluster in clusters[:-1])]
    assert clusters[-1].end == len(written)


NUMBER = make_rule("number", r"\d+ ?kg|\d+", lambda match: f"<{match[0]}>")


def test_readings_have_their_places_in_the_text_as_it_is_written():
    text = "cafe\u0301 𝟏𝟎\u00a0kg ﬁn"
    readings = unfold(find_readings(folded(text), [NUMBER]), text, fold(text))
    assert [(text[r.start : r.end], r.spoken) for r in readings] == [
        ("e\u0301", "é"),
        ("𝟏𝟎\u00a0kg", "<10 kg>"),
        ("ﬁ", "fi"),
    ]
    assert unfold([], "plain", fold("plain")) == []


def test_two_readings_inside_one_character_are_one():
    slash = make_rule("slash", "/", " over ")
    readings = unfold(find_readings(folded("a ½"), [NUMBER, slash]), "a ½", fold("a ½"))
    assert readings == [Reading(2, 3, " <1> over <2>")]


PARTS = [
    *"aé½№ﬃ㎏𝗡 -–$€°%.,:/'\"5０²",
    "e\u0301",
    "12",
    "\u00ad",
    "May 5",
    " km",
    "St.",
    "2024-03-05",
    "etc.",
]


@pytest.mark.parametrize("language", [code for code, row in TABLE.items() if row.alphabetic])
@pytest.mark.parametrize("seed", range(10))
def test_readings_are_in_order_and_apart(language, seed):
    generator = random.Random(seed)
    for _ in range(20):
        text = "".join(generator.choices(PARTS, k=generator.randint(0, 30)))
        readings = TABLE[language].find_readings(text)
        assert all(r.start < r.end <= len(text) for r in readings)
        assert all(a.end <= b.start for a, b in zip(readings, readings[1:], strict=False))
        assert not re.search("[ﬃ𝗡０\u0301]", apply_readings(TracedText.of(text), readings).text)
