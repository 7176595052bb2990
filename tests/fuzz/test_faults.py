"""Commands killed at random moments, a folder that cannot be written: no reader sees a damaged file."""

import os
import subprocess
import threading

import numpy as np
import pytest
import soundfile
from checkpoints import make_voice
from commands import ROOT, start_of

pytest.importorskip("torch")

from kills import kill_often, run

from nanospeech_core.audio import files
from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.voices.store import list_voices, load_voice, save_voice, user_folder


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_generate_is_killed(model, tmp_path, suffix):
    output, whole = tmp_path / f"out.{suffix}", set()

    def look():
        if output.exists():
            wave, rate = soundfile.read(output)
            whole.add(len(wave))
            assert rate == 24000 and np.isfinite(wave).all() and len(whole) == 1

    texts = ["--model", model, "--text", "Hello there. " * 10, "--output", output]
    kill_often("nanospeech_torch.generate", lambda n: [*texts, "--seed", n // 99], look, tmp_path)


@pytest.mark.slow
def test_a_streamed_file_is_killed(model, tmp_path):
    output, whole = tmp_path / "out.wav", set()

    def look():
        if output.exists():
            whole.add(len(soundfile.read(output)[0]))
            assert len(whole) == 1

    texts = ["--model", model, "--text", "Hello there. " * 10, "--stream", "--output", output]
    kill_often("nanospeech_torch.generate", lambda n: texts, look, tmp_path)


@pytest.mark.slow
def test_lines_of_a_file_are_killed(model, tmp_path):
    output, source = tmp_path / "out", tmp_path / "lines.txt"
    source.write_text("Hello there.\n" * 12)

    def look():
        for path in output.glob("[0-9]*.wav") if output.exists() else ():
            assert len(soundfile.read(path)[0]) > 2400

    lines = ["--model", model, "--input", source, "--output-dir", output]
    kill_often("nanospeech_torch.generate", lambda n: lines, look, tmp_path)
    assert len([path for path in output.iterdir() if not path.name.startswith(".")]) == 12


@pytest.mark.slow
def test_edit_is_killed(tmp_path):
    recording, output, whole = tmp_path / "in.wav", tmp_path / "out.wav", set()
    emma = load_voice(ROOT / "nanospeech_core" / "pretrained", "emma")
    files.write(recording, emma.audio)

    def look():
        if output.exists():
            whole.add(len(soundfile.read(output)[0]))
            assert len(whole) == 1

    edit = ["--audio", recording, "--text", emma.text, "--edit", emma.text.replace("person", "silence")]
    kill_often("nanospeech_torch.edit", lambda n: [*edit, "--output", output], look, tmp_path)


@pytest.mark.slow
def test_a_voice_is_replaced_while_killed(tmp_path, monkeypatch):
    """By another recording with another text: the two always belong together."""
    data = tmp_path / "data"
    monkeypatch.setenv("NANOSPEECH_DATA", str(data))
    recordings = [tmp_path / f"{seconds}.wav" for seconds in (3, 5)]
    wave = np.tile(make_voice("me", "en-us", "Hello.", "həlˈoʊ").audio, 9)
    for path, seconds in zip(recordings, (3, 5), strict=True):
        files.write(path, wave[: seconds * 24000])
    texts = ["Hello there, it is me.", "This is a longer sentence than the other one, is it not?"]

    def look():
        for voice in list_voices(user_folder()):
            assert voice.name == "me" and voice.phonemes
            assert (voice.seconds > 4) == (voice.text == texts[1]), (voice.seconds, voice.text)

    def arguments(number):
        return ["add", "me", recordings[number % 2], texts[number % 2], "--replace"]

    kill_often("nanospeech_torch.voices", arguments, look, tmp_path, NANOSPEECH_DATA=str(data))
    assert sorted(path.name for path in (data / "voices").iterdir()) == ["me.flac", "me.json"]


@pytest.mark.slow
def test_a_voice_is_removed_while_killed(tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv("NANOSPEECH_DATA", str(data))
    voice = make_voice("me", "en-us", "Hello.", "həlˈoʊ")
    written = threading.Lock()

    def look():
        with written:
            for found in list_voices(user_folder()):
                assert found.seconds == voice.seconds and found.text == voice.text

    def arguments(number):
        with written:  # a new one each time; a killed removal does not block it
            save_voice(data, voice, replace=bool(list_voices(data)))
        return ["remove", "me"]

    kill_often("nanospeech_torch.voices", arguments, look, tmp_path, NANOSPEECH_DATA=str(data))
    assert not list((data / "voices").iterdir())


@pytest.mark.slow
def test_convert_is_killed(model, tmp_path):
    output = tmp_path / "converted"

    def look():
        config, weights = load_folder(output, "mlx")
        assert config.name == "tiny" and all(np.isfinite(array).all() for array in weights.values())

    line = ["torch2mlx", model, "-o", output]
    assert run("convert", line, tmp_path / "said.txt")[0] == 0
    kill_often("convert", lambda n: [*line, "--force"], look, tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(model, tmp_path):
    tmp_path.chmod(0o500)
    command = [*start_of("nanospeech_torch.generate"), "--model", str(model), "--text", "Hi."]
    done = subprocess.run([*command, "--output", str(tmp_path / "a.wav")], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not list(tmp_path.iterdir())
