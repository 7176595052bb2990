"""<say-as> in English and Chinese."""

from __future__ import annotations

import pytest

from nanospeech_core.text.ssml.say_as import read_say_as

ENGLISH = [
    ("characters", "", "AB12", "Eh B one two"),
    ("spell-out", "", "a.b@c-d", "Eh dot B at C dash D"),
    ("verbatim", "", "é x", "É X"),
    ("cardinal", "", "1234", "one thousand two hundred thirty-four"),
    ("cardinal", "", "1,234.50", "one thousand two hundred thirty-four point five zero"),
    ("number", "", "-7", "minus seven"),
    ("cardinal", "", "007", "seven"),
    ("ordinal", "", "3", "third"),
    ("ordinal", "", "21st", "twenty-first"),
    ("digits", "", "1984", "one nine eight four"),
    ("fraction", "", "3/4", "three quarters"),
    ("fraction", "", "2 1/2", "two and one half"),
    ("telephone", "", "+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
    ("date", "mdy", "3/4/2024", "March fourth, twenty twenty-four"),
    ("date", "dmy", "3/4/2024", "April third, twenty twenty-four"),
    ("date", "ymd", "2024-03-04", "March fourth, twenty twenty-four"),
    ("date", "yyyymmdd", "20240304", "March fourth, twenty twenty-four"),
    ("date", "mdy", "3-4-98", "March fourth, nineteen ninety-eight"),
    ("date", "md", "3.4", "March fourth"),
    ("date", "dm", "3.4", "April third"),
    ("date", "my", "5/2024", "May twenty twenty-four"),
    ("date", "y", "1905", "nineteen oh-five"),
    ("date", "d", "3", "the third"),
    ("date", "m", "12", "December"),
    ("date", "", "2024-03-04", "March fourth, twenty twenty-four"),
    ("date", "mdy", "May 5, 2024", "May fifth, twenty twenty-four"),
    ("time", "hms12", "2:30pm", "two thirty P-M"),
    ("time", "", "14:05", "fourteen oh five"),
    ("time", "", "1'21\"", "one minute and twenty-one seconds"),
    ("duration", "hms", "01:18:30", "one hour, eighteen minutes and thirty seconds"),
    ("duration", "hm", "01:18", "one hour and eighteen minutes"),
    ("duration", "", '90"', "ninety seconds"),
    ("currency", "", "$42.01", "forty-two dollars and one cent"),
    ("unit", "", "10km", "ten kilometers"),
]
CHINESE = [
    ("characters", "", "AB12", "A-B 一二"),
    ("characters", "", "a@你", "Eh 艾特 你"),
    ("cardinal", "", "1234", "一千二百三十四"),
    ("cardinal", "", "-0.5", "负零点五"),
    ("ordinal", "", "2", "第二"),
    ("ordinal", "", "第200", "第二百"),
    ("digits", "", "1984", "一九八四"),
    ("fraction", "", "3/4", "四分之三"),
    ("telephone", "", "010-62511234", "零幺零，六二五幺幺二三四"),
    ("date", "mdy", "3/4/2024", "二零二四年三月四日"),
    ("date", "ym", "2024/3", "二零二四年三月"),
    ("time", "", "14:05", "十四点零五分"),
    ("duration", "hms", "2:05:00", "两小时五分"),
    ("currency", "", "￥42.50", "四十二点五元"),
    ("unit", "", "10km", "十公里"),
]


@pytest.mark.parametrize(("kind", "form", "text", "spoken"), ENGLISH)
def test_english(kind, form, text, spoken):
    assert read_say_as(text, kind, form, "en-us") == spoken


@pytest.mark.parametrize(("kind", "form", "text", "spoken"), CHINESE)
def test_chinese(kind, form, text, spoken):
    assert " ".join((read_say_as(text, kind, form, "zh") or "").split()) == spoken


def test_british_english():
    assert read_say_as("105", "cardinal", "", "en-gb") == "one hundred and five"
    assert read_say_as("3/4/2024", "date", "", "en-gb") == "April third, twenty twenty-four"


@pytest.mark.parametrize("language", ["en-us", "zh"])
@pytest.mark.parametrize(
    ("kind", "form", "text"),
    [
        ("x", "", "5"),
        ("", "", "5"),
        ("cardinal", "", "five"),
        ("cardinal", "", "9" * 400),
        ("ordinal", "", "the 3rd"),
        ("ordinal", "", "9" * 400),
        ("digits", "", "none"),
        ("telephone", "", "call me"),
        ("fraction", "", "3"),
        ("date", "mdy", "13/4/2024"),
        ("date", "mdy", "1/2"),
        ("date", "yyyymmdd", "2024030"),
        ("date", "mdy", "1/2/345"),
        ("characters", "", "\u0301"),
    ],
)
def test_what_is_none_of_the_kind(kind, form, text, language):
    assert read_say_as(text, kind, form, language) is None
