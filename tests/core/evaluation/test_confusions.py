"""Confusions: the units of a text, their alignment, and the counts."""

from nanospeech_core.evaluation.confusions import (
    Confusions,
    align_units,
    confusion_rows,
    count_confusions,
    units_of,
)


def test_the_units_of_mandarin_are_syllables():
    assert units_of("我们去银行。", "zh") == [
        ("-", "uo", "3"), ("m", "en", "5"), ("q", "v", "4"), ("-", "in", "2"), ("h", "ang", "2"),
    ]  # fmt: skip
    assert units_of("錢", "zh") == units_of("钱", "zh")  # recognizers write either script
    assert units_of("20个", "zh") == units_of("二十个", "zh")  # and numbers as digits
    assert units_of("", "zh") == []


def test_the_units_of_english_are_phones():
    phones = [(phone,) for phone in ("t", "uː", "tʃ", "iː", "p", "s", "iː", "t", "s")]
    assert units_of("Two cheap seats!", "en") == phones
    assert units_of("2 cheap seats", "en-us") == phones


def test_the_alignment_prefers_syllables_that_share_parts():
    a, b, c, near = ("d", "ong", "3"), ("l", "e", "5"), ("m", "a", "1"), ("d", "eng", "3")
    assert align_units([a, b, c], [near, c]) == [(a, near), (b, None), (c, c)]
    assert align_units([a], [b, a]) == [(None, b), (a, a)]
    assert align_units([], []) == []


def test_counts_of_each_part():
    # 懂 heard as 等: only the final differs. 关 is left out, 吗 is inserted.
    found = count_confusions(["我懂了。", "关门"], ["我等了吗", "门"], "zh")
    assert list(found) == ["initial", "final", "tone"]
    assert found["final"].pairs == {("ong", "eng"): 1, ("uan", "left out"): 1}
    assert found["initial"].pairs == {("g", "left out"): 1}
    assert found["tone"].expected == {"3": 2, "5": 1, "1": 1, "2": 1}
    assert found["final"].inserted == {"a": 1} and found["final"].wrong("ong") == 1
    assert found["final"].rate == 40 and found["initial"].rate == 20
    assert Confusions().rate == 0


def test_rows_show_what_became_worse():
    before = count_confusions(["懂了", "留下"], ["等了", "留下"], "zh")["initial"]
    after = count_confusions(["懂了", "留下"], ["懂了", "没下"], "zh")["initial"]
    assert confusion_rows(before, after) == [["l", "2", "0", "1", "m 1"]]
    assert confusion_rows(after, before) == []
