"""A reference is prepared once, as long as its files do not change."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.synthesis.frontend import prepare_text
from nanospeech_core.voices.reference_cache import KEPT, ReferenceCache
from nanospeech_core.voices.store import save_voice

CONFIG = tiny_config()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    save_voice(folder, make_voice("emma", "en-gb", "Good day.", "ɡˈʊd dˈeɪ."))
    return folder


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
    assert speak("Goodbye.") is default and len(read) == count  # the default is not searched for again
    recording = folder / "voices" / "emma.flac"
    os.utime(recording, ns=(0, recording.stat().st_mtime_ns + 1))
    assert speak("Hello.", voice="emma") is not first and len(read) == count + 1
    with pytest.raises(UserError, match="nobody"):
        speak("Hello.", voice="nobody")


def test_a_voices_iterations_belong_to_the_model_that_it_was_made_with(tmp_path, monkeypatch):
    """Another model that speaks with its recording may need more of them."""
    embedded, model, own = (tmp_path / name for name in ("embedded", "model", "own"))
    for place, name, number in ((embedded, "heart", 2), (model, "emma", 5), (own, "me", 7)):
        voice = make_voice(name, "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
        save_voice(place, replace(voice, num_iter=number))
    bare = tmp_path / "bare"
    bare.mkdir()
    monkeypatch.setenv("NANOSPEECH_DATA", str(own))
    monkeypatch.setattr("nanospeech_core.voices.store.PRETRAINED", embedded)

    def number(place, **options):
        options = GenerateOptions(**options)
        return ReferenceCache().get(place, options, "", CONFIG, None)[0].num_iter

    assert number(embedded) == number(embedded, voice="heart") == 2
    assert number(model) == 5
    assert number(model, voice="me") is None
    assert number(bare) is None and number(None) is None  # models without voices speak with the embedded ones
    recording = model / "voices" / "emma.flac"
    assert number(model, ref_audio=str(recording), ref_text="Hello there.") is None


def test_a_recording_is_transcribed_once(tmp_path, monkeypatch):
    transcribed, references = [], ReferenceCache()

    def transcribe(*args):
        transcribed.append(args)
        return "Hello there."

    monkeypatch.setattr("nanospeech_core.voices.recording.transcribe", transcribe)
    wave = 0.1 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE).astype(np.float32)
    wave *= (1 + 0.9 * np.sin(np.arange(len(wave)) / 1000)).astype(np.float32)  # syllables
    audio.write(tmp_path / "me.wav", wave)
    options = GenerateOptions(ref_audio=str(tmp_path / "me.wav"))
    found = [prepare_text(text, CONFIG, None, options, references=references) for text in ("One.", "Two.")]
    assert len(transcribed) == 1 and found[0].reference is found[1].reference
    prepare_text("Three.", CONFIG, None, replace(options, lang="en-gb"), references=references)
    audio.write(tmp_path / "me.wav", wave[: -SAMPLE_RATE // 2])
    prepare_text("Four.", CONFIG, None, options, references=references)
    assert len(transcribed) == 3
    for number in range(2 * KEPT):
        other = replace(options, ref_text=f"Word {number}.")
        prepare_text("Five.", CONFIG, None, other, references=references)
    assert len(references._references) == KEPT
