"""Recognizers of speech, around a stand-in for their libraries."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.voices import recognition

SECOND = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000).astype(np.float32)


def fake(monkeypatch, name: str, **members) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


class Whisper:
    made = []
    supported_languages = ["en"]

    def __init__(self, name, **options):
        if name == "gone":
            raise ValueError("no such model\nmore of it")
        self.made.append((name, options))

    def transcribe(self, wave, **options):
        self.options = options
        return iter([SimpleNamespace(text=" Hello "), SimpleNamespace(text="there.")]), None


def test_faster_whisper(monkeypatch):
    fake(monkeypatch, "faster_whisper", WhisperModel=Whisper)
    for name in ("faster-whisper:tiny.en", "tiny.en"):
        assert recognition.recognizer(name, ["en"], threads=2)(SECOND, "en") == "Hello there."
        made, options = Whisper.made[-1]
        assert made == "tiny.en" and options["cpu_threads"] == 2 and options["device"] == "cpu"
    with pytest.raises(UserError, match="asr 'tiny.en' does not support zh$"):
        recognition.recognizer("tiny.en", ["en", "zh"])
    with pytest.raises(UserError, match="asr 'gone' cannot be loaded: no such model$"):
        recognition.recognizer("gone")


@pytest.mark.parametrize("name", ["wisper:tiny", "faster-whisper:", ":tiny", "C:\\models"])
def test_a_recognizer_of_another_kind(name):
    with pytest.raises(UserError, match="there is no recognizer .*; choose from faster-whisper:NAME_OR_PATH"):
        recognition.recognizer(name)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize("count", [1, 2, 1601, 79616])
def test_resampled_length(rate, count):
    wave = recognition.resample(np.ones(count, dtype=np.float32), rate)
    assert len(wave) == -(-count * 16000 // rate) and wave.dtype == np.float32


@pytest.mark.parametrize("extra", ["reference", "evaluate"])
def test_the_message_names_the_extra_that_is_needed(monkeypatch, extra):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    arguments = ("tiny",) if extra == "reference" else ("tiny", [], 0, extra)
    with pytest.raises(UserError, match=rf"needs faster-whisper .*\[{extra}\]"):
        recognition.recognizer(*arguments)
