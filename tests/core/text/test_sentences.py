"""Sentence splitting: where it cuts, where it must not, and that nothing is ever lost."""

import random
import time

import pytest
from text_stages import split_sentences

from nanospeech_core.text.sentences import length_limit


def split(text: str) -> list[str]:
    """Without the joining of short sentences, which would hide where it cuts."""
    return split_sentences(text, min_characters=0)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One is here. Two is here! Three? the tail", ["One is here.", "Two is here!", "Three?", "the tail"]),
        ("lower case. is split too.", ["lower case.", "is split too."]),
        ('He said "Go." Then he went. (He did.) So.', ['He said "Go."', "Then he went.", "(He did.)", "So."]),
        ("“Really?” She nodded.", ["“Really?”", "She nodded."]),
        ("At 10:30 a.m. The train left.", ["At 10:30 a.m.", "The train left."]),
        ("She lives in the U.S. She likes it.", ["She lives in the U.S.", "She likes it."]),
        ("He said no. 5 people heard.", ["He said no. 5 people heard."]),  # reads as "number 5"
        ("He said no. We heard.", ["He said no.", "We heard."]),
        ("It was I. He knew.", ["It was I.", "He knew."]),
        ("A title\n\nThe text.", ["A title", "The text."]),
        ("a list:\n- one\n- two\n1. three", ["a list:", "- one", "- two", "1. three"]),
        ("One line\ngoes on here.", ["One line goes on here."]),
        ("你好。今天很好！去吗？好的；再见", ["你好。", "今天很好！", "去吗？", "好的；", "再见"]),
        ("他说：“你好。”然后走了。", ["他说：“你好。”", "然后走了。"]),
        ("你好!去吗?好.再见", ["你好!", "去吗?", "好.", "再见"]),  # typed on a Western keyboard
        ("「走吧！」他說。『好』", ["「走吧！」", "他說。", "『好』"]),
        ("他走了……我没走。", ["他走了……", "我没走。"]),
        ("我用 Python 3.10。你呢？", ["我用 Python 3.10。", "你呢？"]),
        ("What?! No!!! Yes.", ["What?!", "No!!!", "Yes."]),
        ("Nuts, etc. Whether you like it.", ["Nuts, etc.", "Whether you like it."]),
        ("Add 1 tbsp. Then stir.", ["Add 1 tbsp.", "Then stir."]),
        ("He slept for 30 min. He woke.", ["He slept for 30 min.", "He woke."]),
        ("He weighs 200 lb. Big men do.", ["He weighs 200 lb.", "Big men do."]),
        ("Open on Fri. The rest is closed.", ["Open on Fri.", "The rest is closed."]),
        (
            "He sat. they stood. Look at the sun. It shines.",
            ["He sat.", "they stood.", "Look at the sun.", "It shines."],
        ),
        ("It was you and I. She knew.", ["It was you and I.", "She knew."]),
        ("He came in. then he left.", ["He came in.", "then he left."]),
        ("He said no. I left.", ["He said no.", "I left."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_cuts(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize(
    "text",
    [
        "Pi is 3.14 or so.",
        "Dr. Smith met Mrs. Jones and Prof. Brown.",
        "We met at 10:30 a.m. on Monday.",
        "Some fruit, e.g. apples, i.e. Cox.",
        "The U.S. Army came.",
        "Well... I think so.",
        "Well… Maybe so.",
        "Well . . . Maybe so. . . .",
        "Well…… Maybe so.",
        "Well. . . Maybe so.",
        "J. K. Rowling and John F. Kennedy.",
        "See No. 5 and Fig. 3 on p. 12.",
        '"Stop!" he said.',
        "Visit example.com today.",
        "1. An item",
        "Smith et al. Jones vs. Brown.",
        "Add 1 tbsp. sugar and 2 lb. 3 oz. of salt.",
        "Nuts, etc. and so on.",
        "See no. 7, vol. ii, Fig. A and ch. IV.",
        "Open Mon.-Fri. and on Sat. too.",
        "The name is N. I. N. A. and it is hers.",
        "I. M. Pei built it.",
        "The board is 6 in. wide and 5 ft. 3 in. tall.",
        "The max. speed and the min. 3 people of the dept. of art.",
        "On Fri. May 5 in Boston, Mass. and here.",
        "嗯……，我想想",
        "圆周率是3.14吗",
        "我们——他...她",
    ],
)
def test_does_not_cut(text):
    assert split(text) == [text]


def test_short_sentences_join_a_neighbour_where_both_fit():
    assert split_sentences("Yes. No. I went to the market in the morning.", min_characters=24) == [
        "Yes. No. I went to the market in the morning."
    ]
    assert split_sentences("I went to the market in the morning. No.", min_characters=24) == [
        "I went to the market in the morning. No."
    ]
    assert split_sentences("abcdefghi. No.", max_characters=12, min_characters=10) == ["abcdefghi.", "No."]


def test_long_sentences_are_cut_at_the_strongest_break():
    words = "word " * 20
    assert [s[-1] for s in split_sentences(f"{words}one; {words}two, {words}three.", 220)] == [";", "."]
    assert [s[-1] for s in split_sentences(f"{words}one, {words}two three.", 150)] == [",", "."]
    assert {len(s) for s in split_sentences("word " * 61)} == {149, 154}  # evenly, not 300 and 5
    assert [len(s) for s in split_sentences("a" * 700)] == [234, 233, 233]


def test_chinese_counts_threefold():
    assert max(map(len, split_sentences("今天天气很好，" * 100, 300))) <= 100
    assert split_sentences("你好。今天天气很好！", min_characters=24) == ["你好。今天天气很好！"]
    assert (length_limit(300, "今天天气很好。"), length_limit(300, "It is 好."), length_limit(2, "好")) == (
        100,
        300,
        1,
    )


ALPHABET = [
    *"abcXYZ 123 .,;:!?…—'\"()[]“”  \n\n\t。！？；，、你好",
    "Dr.",
    "e.g.",
    "U.S.",
    "3.14",
    "...",
    "The",
    "- ",
    "1. ",
]


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_lost_and_no_piece_is_too_long(seed):
    generator = random.Random(seed)
    for _ in range(20):
        text = "".join(generator.choices(ALPHABET, k=generator.randint(0, 400)))
        limit, least = generator.randint(3, 120), generator.randint(0, 40)
        pieces = split_sentences(text, limit, least)
        assert "".join("".join(pieces).split()) == "".join(text.split())
        assert all(pieces) and max(map(len, pieces), default=0) <= limit
        assert all(piece == " ".join(piece.split()) for piece in pieces)


@pytest.mark.parametrize(
    "unit", [".", "a", " ", "\n", ")", "a.", "“", "A. ", "\n- ", "...x", "1", "I. ", "6 in. "]
)
def test_time_grows_with_the_text_not_faster(unit):
    started = time.process_time()
    split_sentences(unit * (100_000 // len(unit)))
    assert time.process_time() - started < 5
