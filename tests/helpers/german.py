"""A small German: what a new language needs. Its row: `TABLE["de"] = GERMAN`."""

import re

from nanospeech_core.text.document import Given
from nanospeech_core.text.espeak.phonemizer import phonemize
from nanospeech_core.text.languages import Language
from nanospeech_core.text.readings.rules import Reading, Rule, find_readings
from nanospeech_core.text.traced import TracedText

ABBREVIATIONS = {"z. B.": "zum Beispiel", "Dr.": "Doktor"}
NUMBERS = {"3.": "dritten", "3": "drei", "12": "zwölf"}
RULES = (
    Rule(
        "abbreviation",
        re.compile("|".join(map(re.escape, ABBREVIATIONS))),
        lambda match: ABBREVIATIONS[match[0]],
    ),
    Rule("ordinal", re.compile(r"\b\d+\.(?= \w)"), lambda match: NUMBERS.get(match[0])),
    Rule("number", re.compile(r"\b\d+\b"), lambda match: NUMBERS.get(match[0])),
)
NOT_AN_END = re.compile(r"\d|\b(?:z|B|Dr)")


def ends_sentence(text: str, start: int, stop: re.Match[str], finished: bool) -> bool:
    """Not after an ordinal number, nor an abbreviation."""
    return not NOT_AN_END.fullmatch(text[start : stop.start()].split()[-1][-2:])


def read(text: str) -> list[Reading]:
    """The readings of a sentence."""
    return find_readings(text, RULES)


def to_phonemes(text: TracedText, given: Given) -> TracedText:
    """espeak-ng's phonemes."""
    return phonemize(text, "gmw/de", given)


GERMAN = Language(ends_sentence, read, to_phonemes, "Hallo", code_omitted="Code ausgelassen.")
