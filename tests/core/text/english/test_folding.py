"""Characters that mean plainer ones, and where in the text as it is written they are read."""

import random

import pytest

from nanospeech_core.text.english.normalize import find, normalize
from nanospeech_core.text.readings import Reading, apply_readings
from nanospeech_core.text.traced import TracedText

FOLDED = {
    # apostrophes
    "It wasnʼt me.": "It wasn't me.",
    "They can`t see.": "They can't see.",
    "I´m here": "I'm here",
    "It′s ok": "It's ok",
    "it’s ‘so’": "it's 'so'",
    "we＇re": "we're",
    # accents typed as marks
    "A cafe\u0301 in town": "A café in town",
    "e\u0301te\u0301": "été",
    "nai\u0308ve": "naïve",
    "Zu\u0308rich": "Zürich",
    "sen\u0303or": "señor",
    # ligatures
    "The oﬃce": "The office",
    "ﬁsh": "fish",
    "ﬂoor": "floor",
    "aﬄuent": "affluent",
    "oﬀ": "off",
    # styles
    "𝗡𝗲𝘄𝘀 at 𝟏𝟎": "News at ten",
    "𝓗𝓮𝓵𝓵𝓸": "Hello",
    "Ｗｏｒｄ １２": "Word twelve",
    "ℋello": "Hello",
    "𝚌𝚘𝚍𝚎": "code",
    "Henry Ⅷ": "Henry the eighth",
    # Vietnamese
    "Phở": "Pho",
    "Nguyễn": "Nguyen",
    "Đà Nẵng": "Dà Nang",
    "Việt": "Viet",
    "Hồ": "Ho",
    # spaces and squares
    "5\u00a0km": "five kilometers",
    "50㎡": "fifty square meters",
    "soft\u00adware": "software",
}


@pytest.mark.parametrize(("written", "spoken"), FOLDED.items(), ids=FOLDED)
def test_folded(written, spoken):
    assert normalize(written) == spoken


def test_readings_are_of_the_text_as_it_is_written():
    text = "The cafe\u0301 oﬃce paid 3½\u00a0kg."
    readings = [(text[r.start : r.end], r.spoken) for r in find(text)]
    assert readings == [("e\u0301", "é"), ("ﬃ", "ffi"), ("3½\u00a0kg", "three and one half kilograms")]
    assert find("No change.") == []
    assert find("a ½") == [Reading(2, 3, " one half")]


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


@pytest.mark.parametrize("seed", range(20))
def test_readings_are_in_order_and_apart(seed):
    generator = random.Random(seed)
    for _ in range(20):
        text = "".join(generator.choices(PARTS, k=generator.randint(0, 30)))
        readings = find(text)
        assert all(r.start < r.end <= len(text) for r in readings)
        assert all(a.end <= b.start for a, b in zip(readings, readings[1:], strict=False))
        assert apply_readings(TracedText.of(text), readings).text == normalize(text)
