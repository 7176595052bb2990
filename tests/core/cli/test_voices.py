"""`python -m nanospeech_{mlx,torch}.voices` around a stand-in for the model."""

import sys
import types

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio import files as audio
from nanospeech_core.cli import voices as voice_commands
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.voices.reference import even_durations
from nanospeech_core.voices.selection import choose_voice
from nanospeech_core.voices.store import load_voice, user_folder

ROW = 'me  en-us  2.0 s  "Hello there."'


def load_model(model, vocoder):
    aligner = types.SimpleNamespace(
        align=lambda mel, ids: even_durations(len(mel), len(ids)),
        symbol_log_probs=lambda mel, ids: np.zeros((len(mel), len(ids)), np.float32),
    )
    return types.SimpleNamespace(config=tiny_config(), aligner=aligner)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    audio.write("me.wav", make_voice("me", "en-us", "", "").audio)

    def run(*argv: str, code: int = 0, load=load_model) -> tuple[str, str]:
        assert voice_commands.run(load, argv, "prog") == code
        return tuple(capsys.readouterr())

    return run


def test_added_listed_exported_and_removed(run, tmp_path):
    assert run("list") == ("", "")
    assert run("add", "me", "me.wav", "Hello  there.") == (f"{ROW}\n", "")
    assert run("list") == (f"{ROW}  yours\n", "")
    voice = choose_voice(None, GenerateOptions(voice="me"))
    assert voice.text == "Hello there." and voice.durations is None and not voice.default
    given = choose_voice(None, GenerateOptions(ref_audio="me.wav", ref_text="Hello there."))
    assert voice.phonemes == given.phonemes and np.abs(voice.audio - given.audio).max() < 1e-4
    (tmp_path / "model").mkdir()
    assert run("export", "me", "model") == ("", "")
    assert load_voice("model", "me").text == "Hello there."
    assert run("remove", "me") == ("", "")
    assert run("list") == ("", "") and not list((user_folder() / "voices").iterdir())


def test_a_voice_is_replaced_when_asked(run):
    run("add", "me", "me.wav", "Hello there.")
    out, _ = run("add", "me", "me.wav", "Good day.", "--lang", "en-gb", "--description", "I", "--replace")
    assert out == 'me  en-gb  2.0 s  "Good day."\n'
    assert run("list")[0] == 'me  en-gb  2.0 s  "Good day."  I\n'


def test_an_export_replaces_nothing_unasked(run, tmp_path):
    run("add", "me", "me.wav", "Hello there.")
    run("add", "you", "me.wav", "Hello there.")
    (tmp_path / "friend" / "voices").mkdir(parents=True)
    for name in ("me.flac", "YOU.json"):  # half a voice, and one that some disks would take for "you"
        (tmp_path / "friend" / "voices" / name).write_bytes(b"theirs")
    for name, message in (
        ("me", 'friend has a voice "me" already; --replace replaces it'),
        ("you", 'friend has a voice "YOU" already, and names must differ in more than case'),
    ):
        out, err = run("export", name, "friend", code=1)
        assert (out, err) == ("", f"prog: {message}\n")
    assert "more than case" in run("export", "you", "friend", "--replace", code=1)[1]
    assert {f.read_bytes() for f in (tmp_path / "friend" / "voices").iterdir()} == {b"theirs"}
    assert run("export", "me", "friend", "--replace") == ("", "")
    assert load_voice("friend", "me").text == "Hello there."
    assert run("export", "me", "friend", code=1)[1] and run("export", "me", "friend", "--replace") == ("", "")


@pytest.mark.parametrize("more", [[], ["--replace"]])
def test_names_that_differ_in_case_only(run, more):
    run("add", "me", "me.wav", "Hello there.")
    assert 'there is a voice "me" already' in run("add", "ME", "me.wav", "Good day.", *more, code=1)[1]
    assert (
        '"heart" is a voice of the embedded model' in run("add", "Heart", "me.wav", "Hi.", *more, code=1)[1]
    )
    assert run("list")[0] == f"{ROW}  yours\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["add", "me", "me.wav", "Hello."], 'there is a voice "me" already; --replace replaces it'),
        (["add", "heart", "me.wav", "Hello."], '"heart" is a voice of the embedded model'),
        (["add", "a/b", "me.wav", "Hello."], '"a/b" cannot be the name of a voice'),
        (["add", "you", "no.wav", "Hello."], "cannot read no.wav: No such file"),
        (["add", "you", "me.wav", "..."], "nothing to speak"),
        (["add", "you", "me.wav", " "], "TEXT is empty"),
        (["add", "you", "me.wav"], "without TEXT a speech recognizer must find the words"),
        (["remove", "you"], 'you have no voice "you"; yours are me'),
        (["export", "heart", "."], 'you have no voice "heart"; yours are me'),
        (["export", "me", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_mistakes_are_one_sentence(run, argv, message, monkeypatch):
    for recognizer in ("faster_whisper", "mlx_whisper"):  # none is installed
        monkeypatch.setitem(sys.modules, recognizer, None)
    run("add", "me", "me.wav", "Hello there.")
    out, err = run(*argv, code=1)
    assert message in err and err.startswith("prog: ") and err.count("\n") == 1 and out == ""
    assert run("list")[0] == f"{ROW}  yours\n"


def test_a_long_recording_is_cut_by_the_models_aligner(run):
    audio.write("long.wav", np.tile(make_voice("me", "en-us", "", "").audio, 9))
    loaded = []

    def load(model, vocoder):
        loaded.append(model)
        return load_model(model, vocoder)

    text = "This is a long text of several sentences. Here comes another one of them. And the third."
    out, err = run("add", "me", "long.wav", text, load=load)
    assert loaded == [None] and "long.wav lasts 18.0 s; the first " in err
    voice = load_voice(user_folder(), "me")
    assert voice.seconds <= 15.1 and text.startswith(voice.text) and voice.text in out


def test_a_text_that_is_not_what_is_said_is_told(run):
    model = load_model(None, None)
    right = np.random.default_rng(0).integers(0, 9, 400)

    def listen(mel, ids):  # hears symbols of its own
        return np.where(np.arange(len(ids)) == right[: len(mel), None], 0.0, -9.0).astype(np.float32)

    model.aligner.symbol_log_probs = listen
    _, err = run("add", "me", "me.wav", "Hello there.", load=lambda name, vocoder: model)
    assert "TEXT may not be what is said in me.wav" in err and "does not fit the sound" in err


def test_consent_is_asked_for(capsys):
    for argv in (["--help"], ["add", "--help"]):
        with pytest.raises(SystemExit):
            voice_commands.run(None, argv, "prog")
        assert "a person who agreed to be imitated" in " ".join(capsys.readouterr().out.split())
