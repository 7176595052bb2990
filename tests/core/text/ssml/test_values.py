"""Values of attributes: pauses, tempos, languages."""

from __future__ import annotations

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.synthesis.pauses import JOINED_FRAMES
from nanospeech_core.text.ssml.values import STRENGTHS, read_break, read_language, read_rate


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ({"time": "500ms"}, 0.5),
        ({"time": "0.5s"}, 0.5),
        ({"time": " +.25 s "}, 0.25),
        ({"time": "0s"}, 0.0),
        ({"time": "60s"}, 60.0),
        ({"time": "60000ms", "strength": "weak"}, 60.0),
        ({"strength": "none"}, 0.0),
        ({"strength": "strong"}, 1.0),
        ({}, STRENGTHS["medium"]),
    ],
)
def test_breaks(attributes, seconds):
    assert read_break(attributes) == seconds


def test_strengths_grow_and_a_break_is_longer_than_the_pause_between_sentences():
    assert list(STRENGTHS.values()) == sorted(set(STRENGTHS.values()))
    assert STRENGTHS["medium"] > 0.6 > JOINED_FRAMES / 93.75


@pytest.mark.parametrize(
    "time", ["", "1", "s", "-1s", "61s", "60001ms", "1e1s", "nan", "1 min", "9" * 400 + "s"]
)
def test_bad_times(time):
    with pytest.raises(UserError, match="is not 0 to 60 seconds: write it like 0.5s or 500ms"):
        read_break({"time": time})


def test_bad_strengths():
    with pytest.raises(UserError, match='the strength "loud" is not one of none, x-weak'):
        read_break({"strength": "loud", "time": "1s"})


@pytest.mark.parametrize(
    ("value", "around", "rate"),
    [
        ("slow", 2.0, 0.75),
        ("x-fast", 0.5, 2.0),
        ("default", 0.5, 1.0),
        ("80%", 0.5, 0.8),  # of the usual tempo
        ("0.8", 0.5, 0.8),
        ("+20%", 0.5, 0.6),  # of the tempo around it
        ("-10%", 0.9, 0.81),
        ("+0%", 1.0, 1.0),
    ],
)
def test_rates(value, around, rate):
    assert read_rate(value, around) == pytest.approx(rate)


@pytest.mark.parametrize(
    "value", ["", "quick", "+0.5", "-1", "50 %", "1e1", "nan", "5", "10%", "-90%", "401%"]
)
def test_bad_rates(value):
    with pytest.raises(UserError, match="^the rate "):
        read_rate(value, 1.0)


def test_languages():
    assert [read_language(name, None) for name in ("en-US", "en-GB", "zh-CN", "cmn", "en")] == [
        "en-us",
        "en-gb",
        "zh",
        "zh",
        "en-us",
    ]
    assert read_language("en", "en-gb") == "en-gb"
    with pytest.raises(UserError, match='there is no language "fr-FR"; the languages are en-us, en-gb, zh'):
        read_language("fr-FR", "en-us")
