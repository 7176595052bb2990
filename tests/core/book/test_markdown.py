"""Markdown files as chapters."""

import pytest

from nanospeech_core.book.book import AFTER_TITLE, SCENE_BREAK
from nanospeech_core.book.markdown import read_markdown

YAML = "---\ntitle: The Book\nauthor:\n  - Ann Author\n  - name: Bo Writer\nlang: en\ndate: 1899\n---\n"


def test_chapters_and_metadata():
    book = read_markdown(YAML + "# One\n\nHello *there*.\n\n# Two #\n\nAnd `here`.\n", "x")
    assert (book.title, book.author, book.language, book.date) == (
        "The Book",
        "Ann Author, Bo Writer",
        "en",
        "1899",
    )
    assert [(c.title, c.text) for c in book.chapters] == [
        ("One", f"One\n\n{AFTER_TITLE}\n\nHello there."),
        ("Two", f"Two\n\n{AFTER_TITLE}\n\nAnd here."),
    ]


def test_the_only_first_heading_is_the_title():
    book = read_markdown("# The Book\n\n## One\n\nA.\n\n### A section\n\nB.\n\n## Two\n\nC.", "x")
    assert book.title == "The Book" and [c.title for c in book.chapters] == ["One", "Two"]
    assert book.chapters[0].text.endswith(f"A.\n\n{SCENE_BREAK}\n\nA section\n\nB.")


def test_underlined_headings():
    book = read_markdown("One\n===\n\nA.\n\nTwo\n===\n\nB.\n\n---\n\nC.", "x")
    assert [c.title for c in book.chapters] == ["One", "Two"]
    assert book.chapters[1].text.endswith(f"B.\n\n{SCENE_BREAK}\n\nC.")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("```\n# no heading\n```\n\nA.", "Code omitted.\n\nA."),
        ("A.[^1] B.\n\n[^1]: A note\n    of two lines.\n\nC.", "A. B.\n\nC."),
        ("![a cat](c.png)\n\nA.", "A."),
        ("| Name | Age |\n| --- | --- |\n| Ann | 5 |", "Name, Age.\n\nAnn, 5."),
        ("[voice: emma] Hi. [pause 0.5]", "[voice: emma] Hi. [pause 0.5]"),
        (
            "The [tomato](/t\u0259m\u02c8\u0251\u02d0to\u028a/) and [this](/that).",
            "The [tomato](/t\u0259m\u02c8\u0251\u02d0to\u028a/) and this.",
        ),
        ("1. Stir.\n2. Wait.", "1. Stir.\n\n2. Wait."),
        ("你好。\n\n世界。", "你好。\n\n世界。"),
    ],
)
def test_what_is_spoken(written, spoken):
    (chapter,) = read_markdown(written, "book").chapters
    assert chapter.text == spoken and chapter.title == "book"


@pytest.mark.parametrize("block", ["- a\n- b", "a: [", "just words", "a: &x [*x]", "title: {a: b}"])
def test_yaml_that_says_nothing(block):
    assert read_markdown(f"---\n{block}\n---\n\nHello.", "x").chapters[0].text == "Hello."


def test_front_matter_is_left_out():
    book = read_markdown("# Contents\n\n- One\n\n# One\n\nA.", "x")
    assert [c.left_out for c in book.chapters] == ["contents", ""]
