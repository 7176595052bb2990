"""Spanish: what is read aloud, and that plain text stays as it is."""

import json
from pathlib import Path

import pytest
from text_stages import normalize as normalize_as
from text_stages import phonemize

from nanospeech_core.text import languages
from nanospeech_core.text.spanish.normalize import find, normalize
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests" / "core" / "text" / "data"
CASES = [json.loads(line) for line in (DATA / "cases_es.jsonl").read_text("utf-8").splitlines()]
SENTENCES = [
    json.loads(line)["text"]
    for line in (ROOT / "examples" / "embedded" / "eval_es.jsonl").read_text("utf-8").splitlines()
]


def test_there_are_enough_cases():
    assert len(CASES) >= 100 and len({case["written"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["written"])
def test_cases(case):
    assert normalize(case["written"]) in case["spoken"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["written"])
def test_cases_by_the_whole_front_end(case):
    reports: list[str] = []
    tokenizer = Tokenizer("phonemes", SYMBOLS, reports.append)
    spoken = tokenizer.spoken(TracedText.of(case["written"]), "es")
    assert spoken.text in case["spoken"]
    assert tokenizer.symbols(spoken, "es").text and reports == []


def test_the_signs_of_ordinals_are_skipped_in_other_languages():
    reports: list[str] = []
    tokenizer = Tokenizer("phonemes", SYMBOLS, reports.append)
    assert tokenizer.spoken(TracedText.of("the 2º"), "en-us").text == "the two"
    assert reports == ['"º" (U+00BA) cannot be spoken and is skipped']


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["written"])
def test_no_digit_or_sign_is_left_to_the_phonemizer(case):
    spoken = normalize_as(case["written"], "es")
    assert not set(spoken) & set("0123456789%€$£¥ºª°@/+=×«»"), spoken


@pytest.mark.parametrize("text", SENTENCES)
def test_plain_sentences_stay_as_they_are(text):
    assert find(text) == [] and normalize_as(text, "es") == text


def test_all_phonemes_are_in_the_vocabulary():
    """Also those of letters' names and foreign words. ¿ and ¡ have no sound and no symbol."""
    text = " ".join(SENTENCES) + " pizza jazz show sándwich web hawaiano atlas cónyuge obtener w k ñ ll ch rr"
    symbols = set(languages.phonemize(TracedText.of(text), "es").text)
    assert symbols - set(SYMBOLS) <= set("¿¡")
    assert {"ɲ", "ʎ", "β", "ð", "ɣ", "ɾ", "r", "θ", "x", "ʃ", "ŋ"} <= symbols
    reports: list[str] = []
    tokenizer = Tokenizer("phonemes", SYMBOLS, reports.append)
    symbols = " ".join(s.symbols for s in tokenizer.sentences("¡Hola! ¿Qué tal, señor Núñez? «Bien»", "es"))
    assert symbols == "ˈola! kˈe tˈal, seɲˈoɾ nˈuɲeθ? “bjˈen”" and reports == []


def test_readings_know_what_they_stand_for():
    text = "La Sra. Gil pagó 3 €."
    spans = {text[reading.start : reading.end]: reading.spoken for reading in find(text)}
    assert spans == {"Sra.": "señora", "3 €": "tres euros"}


def test_chinese_in_spanish_text_is_read_as_chinese():
    spoken = languages.normalize(TracedText.of("Tengo 2 libros: 第3章."), "es")
    assert spoken.text == "Tengo dos libros: 第三章."
    assert phonemize("Dice 你好 y se va.", "es").count(phonemize("你好", "zh")) == 1
