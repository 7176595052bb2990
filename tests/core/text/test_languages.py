"""The table of languages: each row reads its language, the corpus's phonemes, and what cannot be read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import german
import pytest
from text_stages import normalize, phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text import languages
from nanospeech_core.text.language_detection import ALPHABETIC, CHINESE, detect_language
from nanospeech_core.text.languages import (
    LANGUAGES,
    TABLE,
    base_language,
    check_language,
    find_code,
    find_language,
    is_alphabetic,
    language_name,
)
from nanospeech_core.text.markdown.blocks import MarkdownParser
from nanospeech_core.text.markdown.sentence_stream import SentenceSplitter
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "corpus_phonemes.jsonl").read_text("utf-8").splitlines()
]


def row_language(row: dict) -> str:
    return "en-gb" if row["voice"][0] == "b" else "en-us"


def test_phonemes_are_those_of_the_corpus():
    assert len(ROWS) == 500
    found = [phonemize(row["text"], row_language(row)) for row in ROWS]
    different = [row for row, phonemes in zip(ROWS, found, strict=True) if phonemes != row["phonemes"]]
    # The corpus lost the space after a closing quote: 'No,' he said.
    quoted = [row for row in different if re.search(r"[,.!?]['’] ", row["text"])]
    assert len(different) - len(quoted) <= 1, [row["text"] for row in different]
    assert all("".join(row["phonemes"].split()) in map(without_spaces, found) for row in quoted)


def without_spaces(phonemes: str) -> str:
    return "".join(phonemes.split())


def test_corpus_has_the_symbols():
    used = set().union(*(row["phonemes"] for row in ROWS))
    assert used <= set(SYMBOLS) and len(used) > 50
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 114


def test_normalization_changes_only_what_the_corpus_reads_badly():
    """The corpus was not normalized: plain sentences must reach the model as they did in training."""
    changed = [row["text"] for row in ROWS if normalize(row["text"], row_language(row)) != row["text"]]
    abbreviated = [t for t in changed if any(word.strip("\"'(,;").endswith(".") for word in t.split()[:-1])]
    silent = [t for t in changed if t not in abbreviated and normalize(t).split() == t.split()]
    assert len(changed) == len(abbreviated) + len(silent)
    assert len(changed) <= 0.05 * len(ROWS)


@pytest.mark.parametrize(
    ("sentence", "language", "phonemes"),
    [
        ("Hello, world!", "en-us", "həlˈoʊ, wˈɜːld!"),
        ("I can't dance.", "en-gb", "aɪ kˈɑːnt dˈans."),
        ("one\n two", "en-us", "wˈʌn tˈuː"),
        ("...", "en-us", "..."),
        ("", "en-us", ""),
    ],
)
def test_phonemize(sentence, language, phonemes):
    assert phonemize(sentence, language) == phonemes


def test_unknown_language():
    with pytest.raises(UserError, match=", ".join(LANGUAGES)):
        phonemize("bonjour", "fr")


def test_importing_loads_no_library():
    code = (
        "import sys, nanospeech_core.cli.generate, nanospeech_core.voices.store\n"
        "heavy = 'torch mlx espeakng_loader unicode_rbnf soundfile soxr sounddevice tqdm'\n"
        "heavy += ' pypinyin rjieba opencc'\n"
        "print([name for name in heavy.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(languages.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_every_row_reads_its_sample():
    for code, language in TABLE.items():
        assert set(phonemize(language.sample, code)) <= set(SYMBOLS) and phonemize(language.sample, code)
        assert base_language(detect_language(language.sample, code)) == base_language(code)
        assert not any(map(str.isdigit, normalize("3", code)))
    assert {ALPHABETIC, CHINESE} <= set(LANGUAGES)


def test_a_new_language_is_a_file_and_a_row(monkeypatch):
    """German: its stops, its numbers, its phonemes, its list marks, alone and with Chinese."""
    monkeypatch.setitem(TABLE, "de", german.GERMAN)
    tokenizer = Tokenizer("phonemes", SYMBOLS)
    text = "Am 3. Mai kamen z. B. 12 Leute. Sie blieben."
    sentences = tokenizer.sentences(text, "de", min_characters=0)
    assert [s.written for s in sentences] == ["Am 3. Mai kamen z. B. 12 Leute.", "Sie blieben."]
    assert sentences[0].spoken == "Am dritten Mai kamen zum Beispiel zwölf Leute."
    assert sentences[1].symbols == "ziː blˈiːbən."
    first = sentences[0]
    assert [first.written[word.start : word.end] for word in first.words][1:6] == [
        "3.", "Mai", "kamen", "z.", "B.",
    ]  # fmt: skip
    (mixed,) = tokenizer.sentences("Das ist 好 und 3. Mai.", "de")
    assert mixed.spoken == "Das ist 好 und dritten Mai." and phonemize("好", "zh") in mixed.symbols
    assert MarkdownParser("de").feed("```\nx\n```\n") == "Code ausgelassen.\n"
    stream = SentenceSplitter("de")
    assert stream.feed("Wir treffen uns alle am 3. Mai in Köln. Das") == [
        "Wir treffen uns alle am 3. Mai in Köln."
    ]


def test_a_symbol_that_only_the_model_has_is_kept(monkeypatch):
    """A language may have phonemes that our models lack; what a model lacks is reported."""
    monkeypatch.setitem(TABLE, "de", german.GERMAN)
    reports: list[str] = []
    own = Tokenizer("phonemes", (*SYMBOLS, "̃"), reports.append)
    assert own.sentences("Leute", "de")[0].symbols == "lˈɔøtə" and not reports
    lacking = Tokenizer("phonemes", [symbol for symbol in SYMBOLS if symbol != "ø"], reports.append)
    assert lacking.sentences("Leute", "de")[0].symbols == "lˈɔtə"
    assert reports == ['"ø" (U+00F8) is not in the model\'s vocabulary and is skipped']


def test_an_unknown_language():
    for function in (find_language, lambda code: phonemize("3 mots", code)):
        with pytest.raises(UserError, match='there is no language "fr"; the languages are en-us, en-gb, zh'):
            function("fr")


def test_a_model_says_which_languages_it_speaks():
    check_language(None, ("en", "zh"))
    check_language("en-gb", ("en", "zh"))
    with pytest.raises(UserError) as error:
        check_language("es", ("en", "zh"))
    sentence = 'this model does not speak Spanish ("es"): it was trained on English and Chinese'
    assert str(error.value) == sentence
    with pytest.raises(UserError, match="trained on English, Chinese and Spanish$"):
        check_language("fr", ("en", "zh", "es"))
    with pytest.raises(UserError, match="trained on Spanish$"):
        check_language("en-us", ("es",))
    assert language_name("en-gb") == "English" and language_name("tlh") == "Tlh"


@pytest.mark.parametrize(
    ("name", "default", "code"),
    [
        ("en", "en-us", "en-us"),
        ("en", "en-gb", "en-gb"),
        ("en", "zh", "en-us"),
        ("en_AU", "en-gb", "en-gb"),
        ("English", "en-gb", "en-gb"),
        ("EN-UK", "en-us", "en-gb"),
        ("en-GB ", "en-us", "en-gb"),
        ("zh-CN", "en-us", "zh"),
        ("Mandarin", "en-us", "zh"),
        ("cmn-TW", "zh", "zh"),
        ("Spanish", "en-us", "es"),
        ("es_MX", "en-us", "es"),
        ("spa", "zh", "es"),
        ("fr", "en-us", None),
        ("", "en-us", None),
    ],
)
def test_names_of_data_sets(name, default, code):
    assert find_code(name, default) == code
    assert is_alphabetic(name) == (code != "zh")
