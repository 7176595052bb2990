"""Text to phonemes and ids: the corpus's own phonemes, and everything that cannot be spoken."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text import tokenizer as text_module
from nanospeech_core.text.checks import MAX_CHARACTERS, check_text, decode_text
from nanospeech_core.text.languages import normalize, phonemize
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "corpus_phonemes.jsonl").read_text("utf-8").splitlines()
]


def row_language(row: dict) -> str:
    return "en-gb" if row["voice"][0] == "b" else "en-us"


def tokenizer(kind: str = "phonemes", vocab=SYMBOLS) -> tuple[Tokenizer, list[str]]:
    reports: list[str] = []
    return Tokenizer(kind, vocab, reports.append), reports


def test_phonemes_are_those_of_the_corpus():
    assert len(ROWS) == 500
    different = [row for row in ROWS if phonemize(row["text"], row_language(row)) != row["phonemes"]]
    assert len(different) <= 5, [row["text"] for row in different]


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
    with pytest.raises(UserError, match="en-us, en-gb, zh"):
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
        cwd=Path(text_module.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_encode_gives_positions():
    ids = tokenizer()[0].encode("a b")
    assert ids.dtype == np.int64
    assert [SYMBOLS[i] for i in ids] == ["a", " ", "b"]


def test_unknown_symbols_are_skipped_and_reported_once():
    ids, reports = tokenizer(vocab="abc")
    assert ids.encode("axbxc").tolist() == [0, 1, 2]
    assert ids.encode("x").tolist() == []
    assert len(reports) == 1 and '"x" (U+0078)' in reports[0]


def test_unknown_symbols_warn_by_default():
    with pytest.warns(UserWarning, match="is skipped"):
        Tokenizer("characters", "ab").encode("a?")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Tokenizer("phonemes", SYMBOLS).sentences("Nothing unknown is here, is it?")


def test_what_english_cannot_speak_is_skipped_not_named():
    ids, reports = tokenizer()
    (sentence,) = ids.sentences("I love タワ 😊 and Привет, naïve café.")
    assert sentence.symbols == ids.sentences("I love and, naïve café.")[0].symbols.replace(",", " ,", 1)
    assert [report[1] for report in reports] == [*"タワ😊Приве", "т"]


def test_characters_are_kept_as_they_are():
    ids, reports = tokenizer("characters", "abcdefghijklmnopqrstuvwxyz ")
    assert [s.symbols for s in ids.sentences("they have 3 cats")] == ["they have three cats"]
    assert not reports


def test_sentences_are_normalized_and_all_there():
    ids, _ = tokenizer()
    sentences = ids.sentences("Mr. Jones paid $5. \n\n***\n\nThe tail", min_characters=0)
    assert [s.text for s in sentences] == ["Mr Jones paid five dollars.", "The tail"]
    assert [s.symbols for s in sentences] == [phonemize(s.text) for s in sentences]


def test_numbers_that_grow_are_split_again():
    ids, _ = tokenizer()
    sentences = ids.sentences("123456789012345678901234567890 " * 9)
    assert len(sentences) > 3 and max(len(s.text) for s in sentences) <= 300
    assert sum(s.text.count("seven") for s in sentences) == 27


@pytest.mark.parametrize("nothing", ["...", "***", "😊", "— ?!", "“”"])
def test_unspeakable_text(nothing):
    with pytest.raises(UserError, match="nothing to speak in"):
        tokenizer()[0].sentences(nothing)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("a\0b", r"control character \(U\+0000\)"),
        ("\x1b[31mred", "control character"),
        (
            "\udcff",
            "not UTF-8 .it has the byte 0xFF",
        ),  # what Python makes of a byte that is not UTF-8 in an argument
        ("a" * (MAX_CHARACTERS + 1), "100,001 characters; at most 100,000"),
    ],
)
def test_bad_text(bad, message):
    with pytest.raises(UserError, match=message):
        check_text(bad)
    with pytest.raises(UserError, match=message):
        tokenizer()[0].sentences(bad)


def test_good_text_passes():
    assert check_text("tab\tline\r\nend\f") == "tab\tline\r\nend\f"


def test_decode_text():
    assert decode_text("\ufeffhé".encode()) == "hé"
    with pytest.raises(UserError, match="not UTF-8 .at byte 1."):
        decode_text(b"a\xff\xfe")


def test_unknown_kind():
    with pytest.raises(UserError, match="phonemes"):
        Tokenizer("words", SYMBOLS)


@pytest.mark.parametrize("text", [None, 5, b"Hello.", ["Hello."]])
def test_what_is_no_text(text):
    with pytest.raises(UserError, match="^the text must be a string, not "):
        check_text(text)


def test_of_many_chinese_characters_one_warning_is_enough():
    reports = []
    tokenizer = Tokenizer("characters", "abcdefghijklmnopqrstuvwxyz .", reports.append)
    assert not tokenizer.find_sentences("我怀疑有什么事，在他身上发生了。", "zh")
    assert reports == ["Chinese characters are not in the model's vocabulary and are skipped"]
    assert [s.symbols for s in tokenizer.find_sentences("höre.", "en-us")] == ["hre."]
    assert reports[1:] == ['"ö" (U+00F6) is not in the model\'s vocabulary and is skipped']
