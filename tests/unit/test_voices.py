"""Voices: saved and loaded, from a recording, and broken in every way."""

import dataclasses
import json

import numpy as np
import pytest

from nanospeech_core import audio
from nanospeech_core.errors import UserError
from nanospeech_core.text import phonemize
from nanospeech_core.voices import Voice, list_voices, load_voice, save_voice, voice_from_reference

RATE = audio.SAMPLE_RATE


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.3, 0.3, round(seconds * RATE)).astype(np.float32)


def make_voice(name: str = "heart", **changes) -> Voice:
    voice = Voice(name, noise(1.2), "Hi!", "haɪ!", (0.2, 0.1, 0.3, 0.2, 0.1, 0.3), "en-us", "a voice")
    return dataclasses.replace(voice, **changes)


def test_saved_and_loaded(tmp_path):
    save_voice(tmp_path, make_voice())
    loaded = load_voice(tmp_path, "heart")
    for field in ("name", "text", "phonemes", "durations", "language", "description", "default", "tempo"):
        assert getattr(loaded, field) == getattr(make_voice(), field)
    assert loaded.audio == pytest.approx(make_voice().audio, abs=1e-4)
    assert loaded.seconds == pytest.approx(1.2)
    save_voice(tmp_path, make_voice(durations=None))
    assert load_voice(tmp_path, "heart").durations is None
    assert sorted(p.name for p in (tmp_path / "voices").iterdir()) == ["heart.flac", "heart.json"]


def test_the_default_voice_comes_first(tmp_path):
    for name in ("zoe", "adam", "heart"):
        save_voice(tmp_path, make_voice(name, default=name == "heart"))
    assert [voice.name for voice in list_voices(tmp_path)] == ["heart", "adam", "zoe"]


@pytest.mark.parametrize("name", ["nobody", "../voices/heart", "", "heart.json"])
def test_unknown_voice_names_the_known(tmp_path, name):
    save_voice(tmp_path, make_voice("heart"))
    save_voice(tmp_path, make_voice("emma"))
    with pytest.raises(UserError, match="the voices are emma, heart"):
        load_voice(tmp_path, name)


def test_no_voices_at_all(tmp_path):
    assert list_voices(tmp_path) == []
    with pytest.raises(UserError, match="--ref-audio"):
        load_voice(tmp_path, "heart")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, "needs text"),
        ({"language": 3}, "needs language"),
        ({"default": "yes"}, "needs default .true or false."),
        ({"tempo": "fast"}, "tempo must be a number from 0.5 to 2"),
        ({"tempo": 0}, "tempo must be a number from 0.5 to 2"),
        ({"speaker": "x"}, "unknown key: speaker"),
        ({"durations": [0.6, 0.6]}, "must be 6 numbers"),
        ({"durations": "long"}, "must be 6 numbers"),
        ({"durations": [0.2, 0.2, 0.2, 0.2, 0.2, float("nan")]}, "must be 6 numbers"),
        ({"durations": [1.4, 0.2, 0.2, 0.2, 0.2, -1.0]}, "must be 6 numbers"),
        ({"durations": [9.0, 0.1, 0.1, 0.1, 0.1, 0.1]}, "sum to 9.50 s, the audio has 1.20 s"),
    ],
)
def test_broken_json_fields(tmp_path, changes, message):
    save_voice(tmp_path, make_voice())
    path = tmp_path / "voices" / "heart.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
    with pytest.raises(UserError, match=message) as caught:
        load_voice(tmp_path, "heart")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_no_json(tmp_path, content):
    save_voice(tmp_path, make_voice())
    (tmp_path / "voices" / "heart.json").write_bytes(content)
    with pytest.raises(UserError, match="heart.json"):
        list_voices(tmp_path)


def test_audio_missing(tmp_path):
    save_voice(tmp_path, make_voice())
    (tmp_path / "voices" / "heart.flac").unlink()
    with pytest.raises(UserError, match="heart.flac"):
        load_voice(tmp_path, "heart")


def test_a_broken_voice_is_not_saved(tmp_path):
    with pytest.raises(UserError, match="cannot be the name"):
        save_voice(tmp_path, make_voice("../evil"))
    with pytest.raises(UserError, match="must be 6 numbers"):
        save_voice(tmp_path, make_voice(durations=(1.2,)))
    assert not list(tmp_path.rglob("*.*"))


def test_from_reference(tmp_path):
    path = tmp_path / "me.wav"
    silence = np.zeros(RATE, dtype=np.float32)
    audio.write(path, np.concatenate([silence, 0.1 * noise(2), silence]))
    voice = voice_from_reference(path, "Hello.  It's 5 pm.", "en-gb")
    assert voice.name == "me" and voice.durations is None and voice.language == "en-gb"
    assert voice.text == "Hello. It's 5 pm."
    assert voice.phonemes == phonemize("Hello. It's five P-M.", "en-gb")
    assert voice.seconds == pytest.approx(2.1, abs=0.03)
    assert np.sqrt(np.mean(voice.audio**2)) == pytest.approx(0.07, rel=1e-3)


@pytest.mark.parametrize(
    ("wave", "text", "message"),
    [
        (np.zeros(RATE), "Hello.", "silent"),
        (noise(0.2), "Hello.", "lasts 0.2 s"),
        (noise(31), "Hello.", "lasts 31.0 s"),
        (noise(1), "...", "nothing to speak"),
        (noise(1), "", "empty"),
    ],
)
def test_bad_references(tmp_path, wave, text, message):
    path = tmp_path / "me.wav"
    audio.write(path, wave)
    with pytest.raises(UserError, match=message):
        voice_from_reference(path, text)
