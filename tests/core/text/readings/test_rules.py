"""Readings: which rule claims which part of a text."""

import re

from nanospeech_core.text.readings.rules import Reading, Rule, apply_readings, find_readings
from nanospeech_core.text.traced import TracedText

NUMBER = Rule("number", re.compile(r"\d+"), lambda match: f"<{match[0]}>")
DATE = Rule("date", re.compile(r"\d+-\d+"), lambda match: "a date" if match[0] != "0-0" else None)


def test_the_first_rule_claims_and_later_ones_read_the_rest():
    text = "1-2 and 3, then 0-0."
    readings = find_readings(text, [DATE, NUMBER])
    assert readings == [
        Reading(0, 3, "a date"),
        Reading(8, 9, "<3>"),
        Reading(16, 17, "<0>"),
        Reading(18, 19, "<0>"),
    ]
    assert apply_readings(TracedText.of(text), readings).text == "a date and <3>, then <0>-<0>."


def test_a_match_that_overlaps_a_claim_is_looked_for_behind_it():
    word = Rule("word", re.compile(r"[a-z]+ [a-z]+"), lambda match: match[0].upper())
    single = Rule("b", re.compile(r"\bb\b"), lambda match: "bee")
    assert (
        apply_readings(TracedText.of("a b c d"), find_readings("a b c d", [single, word])).text == "a bee C D"
    )


def test_empty_matches_claim_nothing():
    assert find_readings("abc", [Rule("nothing", re.compile(r"x*"), lambda match: "y")]) == []


def test_what_is_spoken_knows_what_it_stands_for():
    text = TracedText.of("on May 5, at 10 p.m.")
    spoken = apply_readings(text, [Reading(3, 8, "May fifth"), Reading(13, 20, "ten P M")])
    assert spoken.text == "on May fifth, at ten P M"
    assert [text.text[slice(*spoken.spans[i])] for i in (3, 7, 17, 21)] == ["May", "5", "10 p.m.", "10 p.m."]
