"""Text that knows its source."""

import re

from nanospeech_core.text.traced import TracedText, concatenate

TEXT = TracedText.of("a $5 b")


def test_each_character_has_its_place():
    assert TEXT.spans == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6))
    assert (TEXT[2:4].text, TEXT[2:4].span, TEXT[:0].span) == ("$5", (2, 4), (0, 0))


def test_what_is_read_has_the_place_of_what_is_written():
    spoken = concatenate([TEXT[:2], TracedText.read_as("five dollars", (2, 4)), TEXT[4:]])
    assert spoken.text == "a five dollars b" and len(spoken) == len(spoken.spans)
    assert spoken[2:6].span == spoken[7:14].span == (2, 4) and spoken[-1:].span == (5, 6)
    assert [spoken.text[a:b] for place, a, b in spoken.runs({(2, 4)}) if place] == ["five dollars"]


def test_replacing():
    text = TracedText.of("  x\t\ty ")
    assert (text.single_spaced().text, text.single_spaced().spans) == ("x y", ((2, 3), (3, 5), (5, 6)))
    assert text.strip().span == (2, 6) and TracedText.of(" ").strip().text == ""
    assert TEXT.rewrite(re.compile(r"\d"), lambda match: match[0] * 3).text == "a $555 b"
    assert TEXT.rewrite(re.compile("q"), "") is TEXT
    wide = TEXT.replace_characters({ord("$"): "USD", ord("a"): None})
    assert wide.text == " USD5 b" and wide[1:4].span == (2, 3)
    assert TEXT.filter(str.isalnum).spans == ((0, 1), (3, 4), (5, 6))
