"""Which symbols speak which written words."""

from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.word_alignment import align_words, locate_words

TOKENIZER = Tokenizer("phonemes", SYMBOLS)


def words(text: str, language: str = "en-us") -> list[tuple[str, str]]:
    """(written, symbols) of each word of one sentence."""
    (sentence,) = TOKENIZER.sentences(text, language)
    displayed, spans = align_words(
        sentence.written, sentence.text, sentence.symbols, lambda word: TOKENIZER.symbols(word, language)
    )
    assert displayed == text
    ends = [0, *(edge for span in spans for edge in (span.first, span.last)), len(sentence.symbols)]
    assert ends == sorted(ends)  # no word overlaps another
    return [(displayed[s.start : s.end], sentence.symbols[s.first : s.last]) for s in spans]


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
        "Dr.", "Lee", "paid", "$5.50", "for", "3", "km", "&", "https://a.com", "on", "May", "5, 2024.",
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
        ("行。", "ɕi↗ŋ"),
    ]


def test_the_nearest_edits_are_found():
    assert locate_words(["ab", "c", "de"], "abcde") == [(0, 2), (2, 3), (3, 5)]
    assert locate_words(["ab", "cd"], "(ˈab), ˈcd!") == [(1, 4), (7, 10)]
    assert locate_words(["xb", "cd", "ef"], "abcd ef") == [(0, 2), (2, 4), (5, 7)]
    assert locate_words([], " .") == []
    (a, b, c) = locate_words(["ab", "q", "cd"], "abcd")  # a word without any sound
    assert a == (0, 2) and c == (2, 4) and b[0] == b[1]


def test_long_sentences():
    word_symbols = [f"{a}{b}" for a in "abdefhk" for b in "lmnopstuvw"]
    symbols = "".join(word + " " * (i % 3 == 0) for i, word in enumerate(word_symbols))
    assert [symbols[a:b] for a, b in locate_words(word_symbols, symbols)] == word_symbols
