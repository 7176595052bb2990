"""Which symbols speak which written words, and where these are in the source."""

import json
from pathlib import Path

from nanospeech_core.text.document import Document, find_words
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText, concatenate

TOKENIZER = Tokenizer("phonemes", SYMBOLS)


def words(text: str, language: str = "en-us") -> list[tuple[str, str]]:
    """(written, symbols) of each word of one sentence."""
    (sentence,) = TOKENIZER.sentences(text, language)
    assert sentence.written == text
    assert [text[slice(*word.place)] for word in sentence.words] == [
        text[word.start : word.end] for word in sentence.words
    ]
    ends = [0, *(edge for word in sentence.words for edge in (word.first, word.last)), len(sentence.symbols)]
    assert ends == sorted(ends)  # no word overlaps another
    return [
        (text[word.start : word.end], sentence.symbols[word.first : word.last]) for word in sentence.words
    ]


def test_one_word_each():
    assert words('He said: "Yes!"') == [("He", "hiː"), ("said:", "sˈɛd"), ('"Yes!"', "jˈɛs")]


def test_words_that_espeak_runs_together():
    assert words("It has been one of the best, for the first time.") == [
        ("It", "ɪt"),
        ("has", "hˈæz"),
        ("been", "biːn"),
        ("one", "wˈʌn"),
        ("of", "ʌv"),
        ("the", "ðə"),
        ("best,", "bˈɛst"),
        ("for", "fɚ"),
        ("the", "ðə"),
        ("first", "fˈɜːst"),
        ("time.", "tˈaɪm"),
    ]


def test_what_is_read_in_other_words():
    found = words("Dr. Lee paid $5.50 for 3 km & https://a.com — on May 5, 2024.")
    assert [text for text, _ in found] == [
        "Dr.", "Lee", "paid", "$5.50", "for", "3", "km", "&", "https://a.com", "on", "May", "5,", "2024.",
    ]  # fmt: skip
    assert dict(found)["Dr."] == "dˈɑːktɚ"
    assert dict(found)["$5.50"] == "fˈaɪv dˈɑːlɚz ænd fˈɪfti sˈɛnts"
    assert dict(found)["https://a.com"] == "ɐ dˈɑːt kˈɑːm"


def test_chinese_characters_are_words():
    assert words("他說「好」，用Python写了3行。", "zh") == [
        ("他", "tʰa→"),
        ("說", "ʂwo→"),
        ("「好」，", "xau↓"),
        ("用", "jʊ↘ŋ"),
        ("Python", "pˈaɪθən"),
        ("写", "ɕje↓"),
        ("了", "lɤ"),
        ("3", "sa→n"),
        ("行。", "xa↗ŋ"),
    ]


def test_readings_of_several_words():
    assert words("At 5 – 10 p.m. on 3 May 1999")[1:] == [
        ("5", "fˈaɪv tə"),
        ("10", "tˈɛn"),
        ("p.m.", "pˈiːˈɛm"),
        ("on", "ɔn"),
        ("3", "ðə θˈɜːd ʌv"),
        ("May", "mˈeɪ"),
        ("1999", "nˈaɪntiːn nˈaɪntinˈaɪn"),
    ]
    assert words("2024年5月3日", "zh")[:3] == [
        ("2024", "ɚ↘li↗ŋɚ↘ sɨ↘"),
        ("年", "njɛ↗n"),
        ("5", "u↓"),
    ]


def test_words_keep_their_places_over_paragraphs_and_spaces():
    text = "One   two\n\n\t three  $5\n\n你好 world"
    sentences = TOKENIZER.sentences(text, min_characters=0)
    assert [s.written for s in sentences] == ["One two", "three $5", "你好 world"]
    placed = [text[slice(*word.place)] for sentence in sentences for word in sentence.words]
    assert placed == ["One", "two", "three", "$5", "你", "好", "world"]


def test_every_sounding_symbol_has_a_word():
    """Of 500 sentences, and each written word with a letter or digit has symbols."""
    rows = (Path(__file__).parent / "data" / "corpus_phonemes.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, rows):
        for sentence in TOKENIZER.sentences(row["text"]):
            covered = [k for word in sentence.words for k in range(word.first, word.last)]
            sounds = [k for k, symbol in enumerate(sentence.symbols) if symbol not in ' ;:,.!?—…"()“”']
            assert set(sounds) <= set(covered) and len(covered) == len(set(covered)), sentence


def test_what_is_read_together_is_one_word():
    written = TracedText.of("a b c d")
    symbols = concatenate(
        [
            TracedText.read_as("x", (0, 1)),
            TracedText.read_as(" y", (2, 5)),
            TracedText.read_as(" z", (4, 7)),
        ]
    )
    assert [(w.start, w.end, w.first, w.last) for w in find_words(written, symbols)] == [
        (0, 1, 0, 1),
        (2, 7, 2, 5),
    ]
    assert find_words(written, TracedText("", ())) == []


def test_a_long_number_that_is_split_keeps_its_place():
    text = "It is 123456789012345678901234567890 " * 6
    for sentence in TOKENIZER.sentences(text):
        assert sentence.words
        for word in sentence.words:
            assert text[slice(*word.place)] == sentence.written[word.start : word.end]


def test_a_document_without_markup():
    document = Document.of("Hello.")
    assert document.plain == "Hello." and not document.given and len(document.texts) == 1
