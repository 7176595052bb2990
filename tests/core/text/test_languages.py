"""The table of languages: each row reads its language, the corpus's phonemes, and what cannot be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text import languages
from nanospeech_core.text.language_detection import ALPHABETIC, CHINESE, detect_language
from nanospeech_core.text.languages import LANGUAGES, TABLE, base_language, normalize, phonemize
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


def test_a_new_language_is_a_row(monkeypatch):
    """Its letters are read by its row, also in a text with Chinese; numbers are its own."""
    german = languages.Language(
        normalize=lambda text: text.replace("3", "drei"),
        phonemize=lambda text: text.lower().replace("drei", "dʁaɪ"),
        sample="Hallo",
    )
    monkeypatch.setitem(TABLE, "de", german)
    tokenizer = Tokenizer("phonemes", SYMBOLS)
    assert [s.symbols for s in tokenizer.sentences("Es sind 3.", "de")] == ["es sind dʁaɪ."]
    (mixed,) = tokenizer.sentences("Das 好 ist 3.", "de")
    assert mixed.symbols == f"das {phonemize('好', 'zh')} ist dʁaɪ."


def test_an_unknown_language_is_not_normalized():
    assert normalize("3 mots", "fr") == "3 mots"
