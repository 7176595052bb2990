"""Voices: saved and loaded, from a recording, and broken in every way."""

import dataclasses
import json
import os
import sys
import unicodedata

import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.voices.store import (
    Voice,
    check_free,
    check_name,
    find_voice,
    list_voices,
    load_voice,
    remove_voice,
    save_voice,
    user_folder,
    user_voices,
    voice_names,
)

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
    assert loaded.num_iter is None
    save_voice(tmp_path, make_voice(durations=None, num_iter=2))
    assert load_voice(tmp_path, "heart").durations is None and load_voice(tmp_path, "heart").num_iter == 2
    assert sorted(p.name for p in (tmp_path / "voices").iterdir()) == ["heart.flac", "heart.json"]


def test_the_default_voice_comes_first(tmp_path):
    for name in ("zoe", "adam", "heart"):
        save_voice(tmp_path, make_voice(name, default=name == "heart"))
    assert [voice.name for voice in list_voices(tmp_path)] == ["heart", "adam", "zoe"]


@pytest.mark.parametrize("disk", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_name_with_accents_in_either_form(tmp_path, monkeypatch, disk, asked):
    """macOS names files with the accents apart (NFD), or as they were given; people type them together."""
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "own"))
    save_voice(tmp_path, make_voice("Zoë-1"))
    for file in (tmp_path / "voices").iterdir():
        file.rename(file.with_name(unicodedata.normalize(disk, file.name)))
    name = unicodedata.normalize(asked, "Zoë-1")
    assert voice_names(tmp_path) == ["Zoë-1"] and check_name(name) == "Zoë-1"
    assert find_voice(tmp_path, name).name == load_voice(tmp_path, name).name == "Zoë-1"
    assert [voice.name for voice in list_voices(tmp_path)] == ["Zoë-1"]
    with pytest.raises(UserError, match="already; --replace"):
        check_free(tmp_path, name)
    check_free(tmp_path, name, replace=True)
    save_voice(tmp_path, make_voice(name, description="another"))
    assert load_voice(tmp_path, name).description == "another" and len(os.listdir(tmp_path / "voices")) == 2
    remove_voice(tmp_path, name)
    assert not os.listdir(tmp_path / "voices")


@pytest.mark.parametrize("name", ["Zoë", "Nguyễn", "小明", "किशोर", "Ольга", "김민수", "_a", "7"])
def test_names_of_any_script(tmp_path, name):
    for form in ("NFC", "NFD"):
        save_voice(tmp_path, make_voice(unicodedata.normalize(form, name)))
    assert voice_names(tmp_path) == [unicodedata.normalize("NFC", name)]


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a.b", "\u0308", "a\u200d", "a\n", ".a"])
def test_what_is_no_name(tmp_path, name):
    with pytest.raises(UserError, match="cannot be the name of a voice"):
        check_name(name)


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
        ({"num_iter": 0}, "num_iter must be a whole number from 1 to 1000"),
        ({"num_iter": 2.0}, "num_iter must be a whole number from 1 to 1000"),
        ({"num_iter": True}, "num_iter must be a whole number from 1 to 1000"),
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


# the user's own


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "own"))
    save_voice(tmp_path / "own", make_voice("me", text="Mine."))
    save_voice(tmp_path / "own", make_voice("heart", text="Mine."))
    save_voice(tmp_path, make_voice("heart", text="The model's."))
    return tmp_path


def test_own_voices_come_after_the_models(own):
    assert find_voice(own, "heart").text == "The model's."
    assert find_voice(own, "me").text == "Mine." and find_voice(own / "none", "heart").text == "Mine."
    with pytest.raises(UserError, match="the voices are heart, heart, me"):
        find_voice(own, "nobody")


def test_a_broken_own_voice_gives_a_warning_and_is_ignored(own):
    (own / "own" / "voices" / "bad.json").write_text("{bad")
    with pytest.warns(UserWarning, match="the voice bad cannot be used: .*bad.json is not a JSON file"):
        assert [voice.name for voice in user_voices()] == ["heart", "me"]


def test_without_own_voices(tmp_path, monkeypatch):
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "nothing"))
    save_voice(tmp_path, make_voice("heart"))
    assert find_voice(tmp_path, "heart").name == "heart" and list_voices(user_folder()) == []
    with pytest.raises(UserError, match='no voice "me"; the voices are heart$'):
        find_voice(tmp_path, "me")


def test_the_folder_of_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("NANOSPEECH_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "nanospeech-mar" in user_folder().parts
    if sys.platform == "linux":
        assert user_folder() == tmp_path / "nanospeech-mar"


def test_removed(own):
    remove_voice(own / "own", "me")
    assert sorted(path.name for path in (own / "own" / "voices").iterdir()) == ["heart.flac", "heart.json"]
    with pytest.raises(UserError, match='no voice "me"'):
        remove_voice(own / "own", "me")


@pytest.mark.parametrize("name", ["heart(2)+emma(1)", "heart+emma", "heart + nobody"])
def test_voices_are_not_mixed(tmp_path, name):
    with pytest.raises(UserError) as refused:
        find_voice(tmp_path, name)
    assert str(refused.value) == (
        f'voices cannot be mixed ("{name}"), because a mixture sounds either worse than its parts or just '
        "like one of them: name one voice, or add a recording of the one that you want (voices add)"
    )
