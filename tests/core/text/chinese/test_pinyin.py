"""Chinese phonemes: those of the corpus, each kind of syllable, characters without a reading."""

import json
from pathlib import Path

import pytest
from text_stages import normalize, phonemize

from nanospeech_core.text.chinese import pinyin
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText

DATA = Path(__file__).parents[1] / "data"


def read(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


CORPUS = read("corpus_phonemes_zh.jsonl")  # as the teacher was given them
MORE = read("phonemes_zh.jsonl")  # as misaki gives them: rare syllables, characters of several readings


@pytest.mark.slow
def test_phonemes_are_those_of_the_corpus(monkeypatch):
    """Without `polyphones/`, whose own tests name the sentences that were wrong."""
    monkeypatch.setattr(pinyin, "change_tones", lambda words, readings: None)
    monkeypatch.setattr(pinyin, "find_readings", lambda words: {})
    monkeypatch.setattr(pinyin, "read_particle", lambda words, number: "")
    assert len(CORPUS) == 131 and len(MORE) == 249
    different = [row for row in CORPUS + MORE if phonemize(row["text"], "zh") != row["phonemes"]]
    assert different == []


def test_plain_sentences_reach_the_model_as_they_did_in_training():
    """But for 著, which the corpus reads as zhù where 着 is meant, and tones of 一 and 不 (see `tones`)."""
    rows = CORPUS + MORE
    plain = [row for row in rows if "著" not in row["text"]]
    assert [row["text"] for row in plain if normalize(row["text"], "zh") != row["text"]] == []
    assert len(rows) - len(plain) == 2
    tokenizer = Tokenizer("phonemes", SYMBOLS)
    for row in [row for row in plain[:40] if not set("一不") & set(row["text"])]:
        (sentence,) = tokenizer.sentences(row["text"], "zh")
        assert sentence.symbols == row["phonemes"]


@pytest.mark.parametrize(
    ("reading", "phones"),
    [
        ("zhuang1", "ꭧwa→ŋ"), ("chi1", "ꭧʰɨ→"), ("ri4", "ɻɨ↘"), ("ci2", "ʦʰɨ↗"), ("si5", "sɨ"),
        ("qi1", "ʨʰi→"), ("ju3", "ʨy↓"), ("xuan2", "ɕɥɛ↗n"), ("que4", "ʨʰɥe↘"), ("jun1", "ʨy→n"),
        ("lv4", "ly↘"), ("nve4", "nɥe↘"), ("xiong2", "ɕjʊ↗ŋ"), ("liu2", "ljou↗"), ("gui4", "kwei↘"),
        ("dun1", "twə→n"), ("bo1", "pwo→"), ("duo1", "two→"), ("yi1", "i→"), ("ying2", "i↗ŋ"),
        ("yan4", "jɛ↘n"), ("yuan2", "ɥɛ↗n"), ("yun2", "y↗n"), ("you3", "jou↓"), ("wu3", "u↓"),
        ("wei4", "wei↘"), ("wen2", "wə↗n"), ("weng1", "wə→ŋ"), ("er2", "ɚ↗"), ("o2", "ɔ↗"),
        ("yo1", "jɔ→"), ("e2", "ɤ↗"), ("ng4", "ŋ↘"), ("n2", "n↗"), ("hm5", "hm"), ("ang2", "a↗ŋ"),
        ("zh1", ""), ("xyz1", ""), ("好", ""), ("", ""),
    ],
)  # fmt: skip
def test_syllable(reading, phones):
    assert pinyin._syllable(reading) == phones


@pytest.mark.slow
def test_every_reading_of_the_dictionary_is_a_syllable_of_the_vocabulary():
    from pypinyin import Style, lazy_pinyin

    silent = []
    for code in range(0x4E00, 0xA000):
        (reading,) = lazy_pinyin(chr(code), style=Style.TONE3, neutral_tone_with_five=True)
        phones = pinyin._syllable(reading)
        assert set(phones) <= set(SYMBOLS)
        if not phones:
            silent.append(chr(code))
        assert pinyin.has_reading(chr(code)) == (phones != "")
    assert 0 < len(silent) < 100 and "兙" in silent and all(pinyin.cut_words(c) == [c] for c in silent)


SPOKEN = {
    "你好，世界！": "ni↓xau↓, ʂɨ↘ʨje↘!",  # no third-tone sandhi
    "一个不是": "i↗kɤ↘ pu↗ʂɨ↘",
    "她是女儿，不会一直玩儿。": "tʰa→ ʂɨ↘ ny↓ɚ↗, pu↗xwei↘ i↘ꭧɨ↗ wa↗nɚ↗.",
    "银行的行长觉得长城重要，行人重新长大": (
        "i↗nxa↗ŋ tɤ xa↗ŋꭧa↓ŋ ʨɥe↗tɤ ꭧʰa↗ŋꭧʰə↗ŋ ꭧʊ↘ŋjau↘, ɕi↗ŋɻə↗n ꭧʰʊ↗ŋɕi→n ꭧa↓ŋta↘"
    ),
}


@pytest.mark.parametrize("text", SPOKEN)
def test_words_have_their_readings(text):
    assert phonemize(text, "zh") == SPOKEN[text]


def test_marks_become_western():
    assert phonemize("《好》、「好」；（好）：【好】«好»．好…—", "zh") == (
        "“xau↓” , “xau↓” ; (xau↓) : “xau↓” “xau↓” . xau↓…—"
    )


@pytest.mark.parametrize("text", ["", " ", "兙", "𠮷", "カナ", "，"])
def test_nothing_to_read(text):
    assert not any(
        character.isalpha()
        for character in pinyin.phonemize(TracedText.of(text)).text
        if character in SYMBOLS
    )


def test_syllables_have_initial_final_and_tone():
    assert pinyin.read_syllables("你好，x元女儿 中国的") == [
        ("n", "i", "3"), ("h", "ao", "3"), ("", "van", "2"), ("n", "v", "3"), ("", "er", "2"),
        ("zh", "ong", "1"), ("g", "uo", "2"), ("d", "e", "5"),
    ]  # fmt: skip
    assert pinyin.read_syllables("兙 hello") == []
