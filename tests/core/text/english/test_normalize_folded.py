"""English with characters that mean plainer ones: the rules read the plain ones."""

import pytest

from nanospeech_core.text.english.normalize import find, normalize
from nanospeech_core.text.readings.rules import Reading

FOLDED = {
    "It wasnʼt me.": "It wasn't me.",
    "They can`t see.": "They can't see.",
    "A cafe\u0301 in town": "A café in town",
    "The oﬃce": "The office",
    "𝗡𝗲𝘄𝘀 at 𝟏𝟎": "News at ten",
    "Ｗｏｒｄ １２": "Word twelve",
    "Henry Ⅷ": "Henry the eighth",
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
