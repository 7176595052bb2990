"""One word by each front end."""

import pytest

from nanospeech_core.doctor import reading
from nanospeech_core.doctor.finding import NOTE, OK
from nanospeech_core.errors import UserError
from nanospeech_core.text.espeak import phonemizer


def test_both_words_are_read():
    english, chinese = reading.check_english(), reading.check_chinese()
    assert english.status == chinese.status == OK
    assert english.text == f"espeak-ng {phonemizer.version()}: Hello is həlˈoʊ"
    assert chinese.values["word"] == "你好" and chinese.values["phonemes"] == "ni↓xau↓"


def test_another_reading_is_a_note(monkeypatch):
    monkeypatch.setattr(reading, "ENGLISH", ("Hello", "həlˈəʊ"))
    finding = reading.check_english()
    assert finding.status == NOTE
    assert finding.advice == "the voices learned həlˈəʊ: pip install --force-reinstall espeakng-loader"


def test_espeak_that_cannot_start(monkeypatch):
    def missing():
        raise UserError("phonemes need espeak-ng")

    monkeypatch.setattr(phonemizer, "_library", missing)
    with pytest.raises(UserError, match="phonemes need espeak-ng"):
        reading.check_english()
