"""Text files as chapters."""

import pytest

from nanospeech_core.book.book import AFTER_TITLE, SCENE_BREAK
from nanospeech_core.book.plain_text import read_plain_text

PROSE = (
    'It was the best of times, it was the worst of times, it was the age of\nwisdom.\n\n"Yes," he said.\n\n'
    * 4
)
LONG = PROSE * 3


def titles(text: str) -> list[str]:
    return [chapter.title for chapter in read_plain_text(text, "book").spoken()]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["CHAPTER I", "CHAPTER II"], ["CHAPTER I", "CHAPTER II"]),
        (["CHAPTER I.\nThe Cave", "CHAPTER II.\nThe Sea"], ["CHAPTER I. The Cave", "CHAPTER II. The Sea"]),
        (["CHAPTER 1\n\nThe Cave", "CHAPTER 2\n\nThe Sea"], ["CHAPTER 1: The Cave", "CHAPTER 2: The Sea"]),
        (["Chapter One: A Start", "Chapter Two: An End"], ["Chapter One: A Start", "Chapter Two: An End"]),
        (["Prologue", "CHAPTER THE LAST", "EPILOGUE"], ["Prologue", "CHAPTER THE LAST", "EPILOGUE"]),
        (["I.", "II.", "III."], ["I", "II", "III"]),
        (["I. THE CAVE", "II. THE SEA", "III. HOME"], ["I. THE CAVE", "II. THE SEA", "III. HOME"]),
        (["1\n\nThe Cave", "2\n\nThe Sea", "3\n\nHome"], ["1. The Cave", "2. The Sea", "3. Home"]),
        (["PART ONE\n\nCHAPTER I", "CHAPTER II"], ["PART ONE: CHAPTER I", "CHAPTER II"]),
        (
            ["STAVE I: MARLEY'S GHOST", "STAVE II: THE FIRST"],
            ["STAVE I: MARLEY'S GHOST", "STAVE II: THE FIRST"],
        ),
        (["第一章 山边小村", "第二章 青牛镇"], ["第一章 山边小村", "第二章 青牛镇"]),
    ],
)
def test_headings(headings, expected):
    assert titles("\n\n".join(f"{heading}\n\n{PROSE}" for heading in headings)) == expected


def test_a_heading_is_followed_by_a_pause():
    (chapter,) = read_plain_text("CHAPTER I.\nThe Cave\n\nHe went in.", "book").chapters
    assert chapter.text == f"CHAPTER I.\n\nThe Cave\n\n{AFTER_TITLE}\n\nHe went in."


@pytest.mark.parametrize(
    "line",
    [
        "Part two of the plan was simple.",
        "Chapter 5 was dull, he thought.",
        "I.",
        "Letter by letter.",
        "12",
        "Book it.",
    ],
)
def test_no_headings(line):
    assert titles(f"CHAPTER I\n\n{PROSE}\n\n{line}\n\n{PROSE}CHAPTER II\n\n{PROSE}") == [
        "CHAPTER I",
        "CHAPTER II",
    ]


def test_contents_are_not_chapters():
    contents = "CONTENTS\n\nCHAPTER I    The Cave    1\n\nCHAPTER II    The Sea    9\n\n\n"
    text = f"THE BOOK\n\n{contents}CHAPTER I\n\n{PROSE}\n\nCHAPTER II\n\n{PROSE}"
    book = read_plain_text(text, "book")
    assert [chapter.title for chapter in book.spoken()] == ["CHAPTER I", "CHAPTER II"]
    assert book.chapters[0].left_out == "title page"


def test_a_list_of_illustrations_is_no_chapter():
    pictures = "".join(f"A Cat on Mat {chr(65 + n)}\n\n" for n in range(12))
    text = (
        f"CHAPTER I. The Cave\n\nCHAPTER II. The Sea\n\n{pictures}CHAPTER I.\n\n{PROSE}CHAPTER II.\n\n{PROSE}"
    )
    assert titles(text) == ["CHAPTER I", "CHAPTER II"]


def test_prose_before_the_first_chapter_is_spoken():
    assert titles(f"{PROSE.replace(chr(10), ' ') * 2}\n\nCHAPTER I\n\n{PROSE}") == ["book", "CHAPTER I"]


def test_notices_of_project_gutenberg():
    text = (
        "The Project Gutenberg EBook\r\n\r\n"
        "Title: The Book: Or,\r\n  What It Is\r\nAuthor: Ann Author\r\n\r\n"
        "*** START OF THIS PROJECT GUTENBERG EBOOK THE BOOK ***\r\n\r\nProduced by Some One\r\n\r\n\r\n"
        "CHAPTER I\r\n\r\nHe went in.\r\n\r\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK THE BOOK ***\r\nLicense\r\n"
    )
    book = read_plain_text(text, "x")
    assert (book.title, book.author) == ("The Book: Or, What It Is", "Ann Author")
    assert [chapter.text for chapter in book.chapters] == [f"CHAPTER I\n\n{AFTER_TITLE}\n\nHe went in."]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It was _very_ good.", "It was very good."),
        ("a snake_case_name", "a snake_case_name"),
        ("[Illustration: a cat\non a mat]\n\nHe sat.", "He sat."),
        ("He sat.[1]\n\n[Footnote 1: Not [really] so.]\n\nOn it.", "He sat.\n\nOn it."),
        ("He [Pg 12] sat {13} down.", "He sat down."),
        ("One.\n\n* * *\n\nTwo.", f"One.\n\n{SCENE_BREAK}\n\nTwo."),
        ("One.\n\n- 17 -\n\nTwo.", "One.\n\nTwo."),
        ("One.\fTwo.", "One.\n\nTwo."),
        ("[voice: emma] Hi. [pause 0.5]", "[voice: emma] Hi. [pause 0.5]"),
    ],
)
def test_what_is_spoken(written, spoken):
    (chapter,) = read_plain_text(written, "book").chapters
    assert chapter.text == spoken


def test_wide_gaps_divide_a_text_without_headings():
    assert titles(f"{LONG}\n\n\n\nThe Sea\n\n{LONG}") == ["book, part 1", "The Sea"]
    assert titles(f"{LONG}\n\n\n\nShort.\n\n\n\n{LONG}") == ["book"]
