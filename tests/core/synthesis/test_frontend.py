"""From a text and the options to sentences in ids and a reference."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.synthesis.frontend import prepare_text
from nanospeech_core.text.languages import phonemize
from nanospeech_core.voices import store as voices
from nanospeech_core.voices.reference import even_durations
from nanospeech_core.voices.reference_cache import KEPT, ReferenceCache
from nanospeech_core.voices.selection import choose_voice
from nanospeech_core.voices.store import save_voice

CONFIG = tiny_config()
CHARACTERS = replace(
    CONFIG,
    text=TextConfig("characters", tuple(" abcdefghijklmnopqrstuvwxyzGHT.,!?'"), "filler"),
    phone_duration=None,
)
TEXT = "This is the first of two sentences. Here comes the second one"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    return folder


def spoken(prepared, config=CONFIG) -> list[str]:
    return [
        "".join(config.text.vocab[i] for i in ids)
        for ids in (utterance.ids for utterance in prepared.utterances)
    ]


def test_sentences_stand_between_pauses(folder):
    prepared = prepare_text(TEXT, CONFIG, folder, GenerateOptions())
    first, second = "This is the first of two sentences.", "Here comes the second one"
    assert spoken(prepared) == [f" {phonemize(first)} ", f" {phonemize(second)} "]
    assert all(utterance.ids.dtype == np.int64 for utterance in prepared.utterances)


def test_the_voice_is_the_reference(folder):
    prepared = prepare_text(TEXT, CONFIG, folder, GenerateOptions(voice="emma"))
    assert "".join(CONFIG.text.vocab[i] for i in prepared.reference.ids) == " ɡˈʊd dˈeɪ. "
    assert prepared.reference.durations.sum() == len(prepared.reference.mel) == 188


def test_the_voice_gives_the_accent_unless_told(folder):
    american, british = (phonemize("Nobody's car.", language) for language in ("en-us", "en-gb"))
    assert american != british
    for options, expected in (
        (GenerateOptions(voice="heart"), american),
        (GenerateOptions(voice="emma"), british),
        (GenerateOptions(voice="emma", lang="en-us"), american),
    ):
        assert spoken(prepare_text("Nobody's car.", CONFIG, folder, options)) == [f" {expected} "]


def test_character_models_have_no_pauses(folder):
    prepared = prepare_text(TEXT, CHARACTERS, folder, GenerateOptions())
    assert spoken(prepared, CHARACTERS) == [
        "This is the first of two sentences.",
        "Here comes the second one",
    ]
    assert "".join(CHARACTERS.text.vocab[i] for i in prepared.reference.ids) == "Hello there. "


def test_durations_are_used_only_where_they_are_of_the_symbols(folder):
    voice = make_voice("odd", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
    uneven = (0.5, *(1.5 / 13,) * 13)
    (folder / "odd").mkdir()
    save_voice(folder / "odd", replace(voice, durations=uneven))
    frames = prepare_text("Hi.", CONFIG, folder / "odd", GenerateOptions()).reference.durations
    assert frames[0] == 47
    smaller = tuple(symbol for symbol in CONFIG.text.vocab if symbol != "ʊ")
    timed_characters = replace(CHARACTERS.text, alignment="durations")
    with pytest.warns(UserWarning, match="ʊ"):
        prepared = prepare_text(
            "Hi.",
            replace(CONFIG, text=replace(CONFIG.text, vocab=smaller)),
            folder / "odd",
            GenerateOptions(),
        )
    assert (prepared.reference.durations == even_durations(188, 13)).all()
    prepared = prepare_text("Hi.", replace(CONFIG, text=timed_characters), folder / "odd", GenerateOptions())
    assert (prepared.reference.durations == even_durations(188, 14)).all()


@pytest.mark.parametrize("text", ["Hi.", "a", "I", "No!", "1"])
def test_very_short_texts(folder, text):
    (utterance,) = prepare_text(text, CONFIG, folder, GenerateOptions()).utterances
    assert len(utterance.ids) >= 3


def test_a_reference_in_place_of_a_voice(folder, tmp_path):
    audio.write(tmp_path / "me.wav", make_voice("me", "en-us", "", "").audio)
    options = GenerateOptions(ref_audio=str(tmp_path / "me.wav"), ref_text="It is me.", lang="en-gb")
    voice = choose_voice(folder, options)
    assert voice.name == "me" and voice.durations is None and voice.language == "en-gb"
    prepared = prepare_text("Hello.", CONFIG, None, options)
    said = phonemize("It is me.", "en-gb")
    assert "".join(CONFIG.text.vocab[i] for i in prepared.reference.ids) == f" {said} "
    assert (prepared.reference.durations == even_durations(len(prepared.reference.mel), len(said) + 2)).all()


def test_the_default_voice(folder):
    assert choose_voice(folder, GenerateOptions()).name == "heart"
    assert choose_voice(folder, GenerateOptions(voice="emma")).name == "emma"


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


def test_numbers_are_read_in_the_language(bilingual):
    options = (GenerateOptions(), GenerateOptions(lang="zh"), GenerateOptions(voice="yunxi"))
    english, chinese, voice = (spoken(prepare_text("12:30", CONFIG, bilingual, o)) for o in options)
    assert english == [f" {phonemize('twelve thirty')} "]
    assert chinese == voice == [f" {phonemize('十二点三十分', 'zh')} "]


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


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty"),
        ("...", {}, "nothing to speak"),
        ("\U0001f600 \U0001f680", {}, "nothing to speak"),
        ("a\0b", {}, "control character"),
        ("a" * 100_001, {}, "at most 100,000"),
        ("Hi.", {"voice": "nobody"}, "the voices are emma, heart"),
        ("Hi.", {"ref_audio": "no.wav", "ref_text": "Hi."}, "No such file"),
    ],
)
def test_what_cannot_be_spoken(folder, text, options, message):
    with pytest.raises(UserError, match=message):
        prepare_text(text, CONFIG, folder, GenerateOptions(**options))


def test_a_voice_is_prepared_once(tmp_path, folder, monkeypatch):
    folder = shutil.copytree(folder, tmp_path / "model")
    read, references = [], ReferenceCache()
    true_read = audio.read
    monkeypatch.setattr(audio, "read", lambda path: read.append(path) or true_read(path))

    def speak(text, place=folder, **options):
        return prepare_text(text, CONFIG, place, GenerateOptions(**options), references=references).reference

    first = speak("Hello.", voice="emma")
    assert speak("And goodbye.", voice="emma") is first and len(read) == 1
    assert speak("Hello.", voice="heart") is not first
    default = speak("Hello.")
    count = len(read)
    assert speak("Goodbye.") is default and len(read) == count  # the default is not looked for again
    recording = folder / "voices" / "emma.flac"
    os.utime(recording, ns=(0, recording.stat().st_mtime_ns + 1))
    assert speak("Hello.", voice="emma") is not first and len(read) == count + 1
    with pytest.raises(UserError, match="nobody"):
        speak("Hello.", voice="nobody")


def test_a_recording_is_heard_once(tmp_path, monkeypatch):
    heard, references = [], ReferenceCache()

    def transcribe(*args):
        heard.append(args)
        return "Hello there."

    monkeypatch.setattr("nanospeech_core.voices.recording.transcribe", transcribe)
    wave = 0.1 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    audio.write(tmp_path / "me.wav", wave)
    options = GenerateOptions(ref_audio=str(tmp_path / "me.wav"))
    found = [prepare_text(text, CONFIG, None, options, references=references) for text in ("One.", "Two.")]
    assert len(heard) == 1 and found[0].reference is found[1].reference
    prepare_text("Three.", CONFIG, None, replace(options, lang="en-gb"), references=references)
    audio.write(tmp_path / "me.wav", wave[: -SAMPLE_RATE // 2])
    prepare_text("Four.", CONFIG, None, options, references=references)
    assert len(heard) == 3
    for number in range(2 * KEPT):
        other = replace(options, ref_text=f"Word {number}.")
        prepare_text("Five.", CONFIG, None, other, references=references)
    assert len(references._references) == KEPT
