"""XML with places: what is SSML, where each character is, and XML that is wrong or hostile."""

from __future__ import annotations

import time

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.checks import MAX_CHARACTERS
from nanospeech_core.text.ssml.xml import MAX_DEPTH, Tag, is_ssml, parse, spoken_text, tag_end
from nanospeech_core.text.traced import TracedText


@pytest.mark.parametrize(
    "text",
    [
        "<speak>Hi</speak>",
        " \n<speak\nversion='1.1'>",
        '\ufeff<?xml version="1.0"?>\n<speak/>',
        "<!-- a -- > -->\n<!-- b --><speak>",
        "<speak",
        "<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>",
    ],
)
def test_what_is_ssml(text):
    assert is_ssml(text)


@pytest.mark.parametrize(
    "text", ["speak", "<speaker>", "Hi <speak>", "<p>Hi</p>", "<!-- <speak> -->", "<?xml?><html>", "< speak>"]
)
def test_what_is_text(text):
    assert not is_ssml(text) and spoken_text(text) == text


def test_the_text_without_tags():
    assert spoken_text("<speak a='>'>你好<break/>。</speak>").split() == ["你好", "。"]


def places(source: str) -> list[tuple[str, str]]:
    """Each character of the texts, and what it stands for."""
    texts = [item for item in parse(source) if isinstance(item, TracedText)]
    return [
        (character, source[slice(*span)])
        for text in texts
        for character, span in zip(text.text, text.spans, strict=True)
    ]


def test_each_character_knows_its_place():
    source = (
        "\n<?xml version='1.0' encoding='utf-16'?>\n<speak>é&amp;你<p>𝐛&#x41;&lt;\r\nc</p><!-- x -->d</speak>"
    )
    assert places(source) == [
        ("é", "é"),
        ("&", "&amp;"),
        ("你", "你"),
        ("𝐛", "𝐛"),
        ("A", "&#x41;"),
        ("<", "&lt;"),
        (" ", "\r"),  # of \r\n
        ("c", "c"),
        ("d", "d"),
    ]


def test_literal_text():
    assert places("<speak>a<![CDATA[&amp;<b>]]>c</speak>") == [(c, c) for c in "a&amp;<b>c"]


def test_white_space_is_spaces():
    assert [character for character, _ in places("<speak>\t\na\n\n&#10;b\u2028</speak>")] == list("  a   b ")


def test_tags():
    source = "<speak><break time='1s'/>a</speak>"
    first, begin, end, text, last = parse(source)
    assert (first, begin) == (Tag("speak", 0, {}), Tag("break", 7, {"time": "1s"}))
    assert end.name == "break" and end.attributes is None and last.start == source.index("</speak>")
    assert isinstance(text, TracedText)
    assert source[begin.start : tag_end(source, begin.start)] == "<break time='1s'/>"
    assert tag_end("<a b='>'>c", 0) == 9


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<speak>a & b</speak>", "line 1, column 11: not well-formed .*: write & as &amp; and < as &lt;"),
        ("<speak>\n\n  a < b</speak>", "line 3, column 6: not well-formed"),
        ("<speak>\n你好<p>a</s></speak>", "line 2, column 7: <p> is not closed before this tag"),
        ("<speak>a", "column 9: the text ends before </speak>"),
        ("<speak><p", "the text ends before </speak>"),
        ("<speak", "column 1: unclosed token"),
        ("<speak></speak>\nx", "line 2, column 1: junk after .*: nothing may follow </speak>"),
        ("<speak>&nbsp;</speak>", "column 8: undefined entity: write the character itself"),
        ("<speak a='1' a='2'/>", "column 14: duplicate attribute"),
        ("<speak>&#0;</speak>", "column 8: reference to invalid character number"),
        ("<speak>&#x81;</speak>", r"column 8: a control character \(U\+0081\)"),
        ("\n<!DOCTYPE speak><speak/>", "line 2, column 1: remove the document type"),
        ('<!DOCTYPE speak SYSTEM "file:///etc/passwd"><speak/>', "column 1: remove the document type"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(source, message):
    with pytest.raises(UserError, match=f"^SSML, .*{message}") as caught:
        parse(source)
    assert "\n" not in str(caught.value)


def test_bombs_are_refused_at_once():
    lol = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "lol"}">' for i in range(10))
    started = time.process_time()
    with pytest.raises(UserError, match="remove the document type"):
        parse(f"<!DOCTYPE speak [{lol}]><speak>&a9;</speak>")
    assert time.process_time() - started < 0.5


def test_elements_inside_each_other():
    inside = MAX_DEPTH - 1
    assert len(parse("<speak>" + "<p>" * inside + "</p>" * inside + "</speak>")) == 2 * MAX_DEPTH
    with pytest.raises(UserError, match="nested more than 64 deep"):
        parse("<speak>" + "<p>" * MAX_CHARACTERS)


@pytest.mark.parametrize(
    "unit",
    ["<p>a</p>", "<break/>", "&amp;", "é&#x4f60;", "<!-- -->", "a\r\n", "<![CDATA[x]]>", "<p a='>'/>", "] "],
)
def test_long_texts_are_quick(unit):
    started = time.process_time()
    parse(f"<speak>{unit * (MAX_CHARACTERS // len(unit))}</speak>")
    assert time.process_time() - started < 2
