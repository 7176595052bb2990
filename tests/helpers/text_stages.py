"""The stages of the text front end on plain strings."""

from nanospeech_core.text import languages, sentences
from nanospeech_core.text.readings.rules import apply_readings
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.traced import TracedText


def split_sentences(text: str, max_characters: int = 300, min_characters: int = 24) -> list[str]:
    """The pieces of a text."""
    pieces = sentences.split_sentences(TracedText.of(text), "en-us", max_characters, min_characters)
    return [piece.written.single_spaced().text for piece in pieces]


def normalize(text: str, language: str = "en-us") -> str:
    """One written sentence as it is read aloud."""
    readings = languages.find_language(language).find_readings(text)
    return apply_readings(TracedText.of(text), readings).text


def phonemize(text: str, language: str = "en-us") -> str:
    """One spoken sentence in the symbols of our models."""
    phonemes = languages.phonemize(TracedText.of(text), language)
    return phonemes.filter(lambda symbol: symbol in SYMBOLS).single_spaced().text
