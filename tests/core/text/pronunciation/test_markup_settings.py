"""`[voice: emma]` and `[rate: 0.9]`: how the text after them is spoken."""

from __future__ import annotations

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.document import Document, Settings
from nanospeech_core.text.pronunciation.markup import read_markup, without_markup
from nanospeech_core.text.ssml.xml import is_ssml
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText


def read(text: str) -> Document:
    return read_markup(text, Tokenizer("phonemes", SYMBOLS))


def parts(text: str) -> list:
    return [part.text if isinstance(part, TracedText) else part for part in read(text).parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[voice: emma] Hi.", [Settings("emma"), " Hi."]),
        ("Hi. [voice:emma]Ho.", ["Hi. ", Settings("emma"), "Ho."]),
        ("[ VOICE : emma ] Hi.", [Settings("emma"), " Hi."]),
        ("［voice：小明］你好。", [Settings("小明"), "你好。"]),
        ("[rate: 0.9] Hi.", [Settings(None, 0.9), " Hi."]),
        ("[rate: .5] Hi.", [Settings(None, 0.5), " Hi."]),
        ("[rate: ２] Hi.", [Settings(None, 2.0), " Hi."]),
        ("[voice: a][rate: 2] Hi.", [Settings("a"), Settings("a", 2.0), " Hi."]),
        (
            "[voice: a] A. [voice: Default] B. [rate: 2] C. [rate: default] D.",
            [Settings("a"), " A. ", Settings(), " B. ", Settings(None, 2.0), " C. ", Settings(), " D."],
        ),
        ("[voice: a] A. [pause 1] B.", [Settings("a"), " A. ", 1.0, " B."]),
        ("[lang: zh] 3:2 [lang: default] 5", [Settings(language="zh"), " 3:2 ", Settings(), " 5"]),
        ("[lang: en_GB] Hi.", [Settings(language="en-gb"), " Hi."]),
        # no tags
        ("[voice] Hi.", ["[voice] Hi."]),
        ("[a voice: emma] Hi.", ["[a voice: emma] Hi."]),
        ("[rate\n: 2] Hi.", [Settings(None, 2.0), " Hi."]),
    ],
)
def test_tags(text, expected):
    assert parts(text) == expected


def test_a_word_with_phonemes_is_no_tag():
    document = read("[voice: a](/vˈɔɪs/) Hi.")
    assert [type(part) for part in document.parts] == [TracedText] and document.plain == "voice: a Hi."


@pytest.mark.parametrize("rate", ["0.2", "4.1", "fast", "", "nan", "1e1", "-1", "0.9x", "1/2"])
def test_a_rate_is_a_number(rate):
    with pytest.raises(UserError, match=r"is not a rate of 0.25 to 4: write it like \[rate: 0.9\]"):
        read(f"[rate: {rate}] Hi.")


@pytest.mark.parametrize("language", ["", "fr", "klingon"])
def test_a_language_is_one_of_ours(language):
    with pytest.raises(UserError, match="names no language; the languages are en-us, en-gb, zh"):
        read(f"[lang: {language}] Hi.")


def test_a_voice_has_a_name():
    with pytest.raises(UserError, match=r"names no voice: write it like \[voice: emma\]"):
        read("[voice: ] Hi.")


@pytest.mark.parametrize(
    ("text", "tag", "example"),
    [
        ("Hi. [voice: emma Ho.", "[voice: emma Ho.", "[voice: emma]"),
        ("Hi. [voice: ", "[voice:", "[voice: emma]"),
        ("[Rate: 0.9\nHi.", "[Rate: 0.9", "[rate: 0.9]"),
        ("［lang：zh[voice: emma] Hi.", "［lang：zh", "[lang: zh]"),
    ],
)
def test_a_tag_that_is_not_closed_is_an_error(text, tag, example):
    with pytest.raises(UserError) as refused:
        read(text)
    assert str(refused.value) == f'"{tag}" is not closed: write it like {example}'


def passages(text: str) -> list:
    return [
        (settings, [part.text if isinstance(part, TracedText) else part for part in document.parts])
        for settings, document in read(text).passages()
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi. Ho.", [(Settings(), ["Hi. Ho."])]),
        ("A. [voice: a] B.", [(Settings(), ["A. "]), (Settings("a"), [" B."])]),
        ("A [rate: 1] b [pause 1] [rate: 1] c.", [(Settings(), ["A  b ", 1.0, "  c."])]),  # nothing changes
        ("[voice: a] A. [pause 1] B. [pause 2]", [(Settings("a"), [" A. ", 1.0, " B. ", 2.0])]),
        # pauses between tags stay; what has no words is no passage
        ("A. [pause 1][voice: a][pause 2] B.", [(Settings(), ["A. ", 1.0]), (Settings("a"), [2.0, " B."])]),
        ("[voice: a] ... [pause 1] [voice: b] B.", [(Settings("b"), [1.0, " B."])]),
        ("A. [voice: a] [pause 1]", [(Settings(), ["A. ", 1.0])]),
        ("[voice: a]", []),
    ],
)
def test_passages(text, expected):
    assert passages(text) == expected


def test_each_passage_has_its_own_pronunciations():
    text = "[kettle](/tˈeɪbəl/) one. [voice: a] [kettle](/tˈeɪbəl/) two."
    first, second = (document for _, document in read(text).passages())
    assert first.plain == "kettle one. " and second.plain == " kettle two."
    assert len(first.pronunciations) == len(second.pronunciations) == 1


def test_a_language_model_cannot_change_the_voice():
    assert without_markup("[voice: emma] Hi.") == "voice: emma Hi."
    assert not is_ssml(without_markup("<speak>Hi & bye"))
