"""Which voice speaks: the one that is named, or the model's for the language."""

import shutil

import pytest
from checkpoints import make_voice

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.voices import store as voices
from nanospeech_core.voices.selection import choose_voice, selection_key
from nanospeech_core.voices.store import save_voice


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    return folder


def test_the_default_voice(folder):
    assert choose_voice(folder, GenerateOptions()).name == "heart"
    assert choose_voice(folder, GenerateOptions(voice="emma")).name == "emma"


def test_a_recording_in_place_of_a_voice(folder, tmp_path):
    audio.write(tmp_path / "me.wav", make_voice("me", "en-us", "", "").audio)
    options = GenerateOptions(ref_audio=str(tmp_path / "me.wav"), ref_text="It is me.", lang="en-gb")
    voice = choose_voice(folder, options)
    assert voice.name == "me" and voice.durations is None and voice.language == "en-gb"


@pytest.fixture(scope="module")
def bilingual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bilingual")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    for name in ("yunxi", "xiaoxiao"):
        save_voice(folder, make_voice(name, "zh", "你好。", "ni↓xau↓."))
    return folder


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        ("¿Qué hora es?", {}, "dora"),
        ("Hola", {"lang": "es"}, "dora"),
        ("Hola", {}, "heart"),
        ("你好，世界！", {}, "xiaoxiao"),
    ],
)
def test_a_third_language(bilingual, tmp_path, text, options, name):
    shutil.copytree(bilingual, tmp_path / "model")
    assert choose_voice(tmp_path / "model", GenerateOptions(**options), text).name != "dora"
    before = selection_key(tmp_path / "model", GenerateOptions(**options), text)
    save_voice(tmp_path / "model", make_voice("dora", "es", "Hola.", "ˈola."))
    assert choose_voice(tmp_path / "model", GenerateOptions(**options), text).name == name
    assert selection_key(tmp_path / "model", GenerateOptions(**options), text) != before
    if text.startswith("¿"):  # what is detected is a part of the key
        other = selection_key(tmp_path / "model", GenerateOptions(), "What time is it?")
        assert other != selection_key(tmp_path / "model", GenerateOptions(), text)


@pytest.mark.parametrize(
    ("text", "options", "name"),
    [
        ("你好，世界！", {}, "xiaoxiao"),
        ("我用 Python 写代码。", {}, "xiaoxiao"),
        ("I love 北京 very much.", {}, "heart"),
        ("Hello.", {}, "heart"),
        ("12:30", {}, "heart"),
        ("12:30", {"lang": "zh"}, "xiaoxiao"),
        ("你好，世界！", {"lang": "en-us"}, "heart"),
        ("你好，世界！", {"lang": "en-gb"}, "emma"),
        ("你好，世界！", {"voice": "heart"}, "heart"),
        ("Hello.", {"voice": "yunxi"}, "yunxi"),
    ],
)
def test_the_voice_speaks_the_language(bilingual, text, options, name):
    assert choose_voice(bilingual, GenerateOptions(**options), text).name == name


def test_the_default_voice_may_be_chinese(tmp_path):
    save_voice(tmp_path, make_voice("yunxi", "zh", "你好。", "ni↓xau↓.", default=True))
    save_voice(tmp_path, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    for text, name in (("你好", "yunxi"), ("12:30", "yunxi"), ("Hello.", "emma")):
        assert choose_voice(tmp_path, GenerateOptions(), text).name == name


def test_without_a_voice_for_the_language_the_default_speaks(folder, tmp_path):
    assert choose_voice(folder, GenerateOptions(), "你好").name == "heart"
    save_voice(tmp_path, make_voice("yunxi", "zh", "你好。", "ni↓xau↓."))
    assert choose_voice(tmp_path, GenerateOptions(lang="en-gb"), "Hello.").name == "yunxi"


def test_a_model_without_voices_borrows_the_embedded_ones(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(voices, "PRETRAINED", folder)
    for place in (None, tmp_path):
        assert choose_voice(place, GenerateOptions()).name == "heart"
        assert choose_voice(place, GenerateOptions(voice="emma")).name == "emma"
        with pytest.raises(UserError, match="the voices are emma, heart"):
            choose_voice(place, GenerateOptions(voice="nobody"))
    save_voice(tmp_path, make_voice("own", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ."))
    assert choose_voice(tmp_path, GenerateOptions()).name == "own"


def test_without_any_voices(tmp_path, monkeypatch):
    monkeypatch.setattr(voices, "PRETRAINED", tmp_path / "none")
    for place in (None, tmp_path):
        with pytest.raises(UserError, match="no voices: use --ref-audio"):
            choose_voice(place, GenerateOptions())
    with pytest.raises(UserError, match="--ref-audio"):
        choose_voice(tmp_path, GenerateOptions(voice="heart"))
    with pytest.raises(UserError, match="--ref-audio"):
        choose_voice(None, GenerateOptions(voice="heart"))
