"""Files of times: JSON, SubRip, WebVTT."""

import json

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.speech.speech import Phone, Speech, Word
from nanospeech_core.speech.timestamps import check_timestamps, cues, write_timestamps


def speech(text: str, start: float = 0.0, each: float = 0.5) -> Speech:
    """A word each half a second, of one phone."""
    words, phones = [], []
    for i, word in enumerate(text.split() if " " in text else text):
        begin = start + i * each
        phones.append(Phone("a", begin, begin + each))
        words.append(Word(word, begin, begin + each, (phones[-1],)))
    end = start + len(words) * each
    return Speech(np.zeros(round(24000 * (end - start))), text, start, end, tuple(words), tuple(phones))


def test_json(tmp_path):
    path = tmp_path / "a.json"
    write_timestamps(path, [speech("Hello there."), speech("It is 1 o'clock.", 3600.123456789)])
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["duration"] == 3602.123457
    first, second = written["sentences"]
    assert (first["text"], first["start"], first["end"]) == ("Hello there.", 0, 1)
    assert first["words"][1] == {
        "text": "there.",
        "start": 0.5,
        "end": 1.0,
        "phones": [{"text": "a", "start": 0.5, "end": 1.0}],
    }
    assert [word["text"] for word in second["words"]] == ["It", "is", "1", "o'clock."]


def test_srt(tmp_path):
    path = tmp_path / "a.SRT"
    write_timestamps(path, [speech("Hello there."), speech("Late <words> & more", 3599.9996)])
    assert path.read_text(encoding="utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n"
        "2\n01:00:00,000 --> 01:00:02,000\nLate <words> & more\n"
    )


def test_vtt(tmp_path):
    path = tmp_path / "a.vtt"
    write_timestamps(path, [speech("Hello <all> & all.")])
    assert path.read_text(encoding="utf-8") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n"
        "Hello <00:00:00.500>&lt;all&gt; <00:00:01.000>&amp; <00:00:01.500>all.\n"
    )


def test_long_sentences_are_cut_after_marks():
    text = (
        "This is the beginning of a long sentence, which goes on and on here and does not end before the end."
    )
    parts = cues([speech(text)])
    assert [part for part, _ in parts] == [
        "This is the beginning of a long sentence,",
        "which goes on and on here and does not end before the end.",
    ]
    assert [word.text for _, words in parts for word in words] == text.split()
    plain = "word " * 30
    assert all(len(part) <= 60 for part, _ in cues([speech(plain.strip())]))
    chinese = cues([speech("今天天气很好我们去公园" * 4)])
    assert all(len(part) <= 20 for part, _ in chinese) and len(chinese) == 3
    assert [part for part, _ in cues([speech("a" * 70 + " b")])] == ["a" * 70, "b"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.txt", "must be one of .json, .srt, .vtt"), ("no/a.srt", "no folder"), ("a", "must be one of")],
)
def test_bad_places(tmp_path, name, message):
    with pytest.raises(UserError, match=message):
        check_timestamps(tmp_path / name)
    with pytest.raises(UserError, match=message):
        write_timestamps(tmp_path / name, [speech("Hello there.")])


def test_a_model_without_times_leaves_no_file(tmp_path):
    with pytest.raises(UserError, match="no durations"):
        write_timestamps(tmp_path / "a.srt", [Speech(np.zeros(100), "Hello.", 0.0, 0.1)])
    assert not list(tmp_path.iterdir())
