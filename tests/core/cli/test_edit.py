"""python -m nanospeech_{mlx,torch}.edit: files in, files out, on a tiny checkpoint with random weights."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import NAMES, Backend
from checkpoints import make_voice, tiny_config, write_checkpoint

from nanospeech_core.config import AlignerConfig
from nanospeech_core.text.symbols import SYMBOLS

ROOT = Path(__file__).parents[3]
CONFIG = tiny_config(
    aligner=AlignerConfig(dim=16, key_dim=8, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS))
)
SAID, WANTED = "Hello there.", "Hello you there."


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = write_checkpoint(tmp_path_factory.mktemp("edit") / "tiny", config=CONFIG)
    wave = make_voice("buzz", "en-us", SAID, "həlˈoʊ ðˈɛɹ.").audio[::2].astype(np.float64)  # as if at 12 kHz
    wave = np.stack((wave, 0.5 * wave), axis=1)
    for name, encoding in (
        ("a.wav", "PCM_16"),
        ("b.wav", "PCM_24"),
        ("c.wav", "FLOAT"),
        ("d.flac", "PCM_24"),
    ):
        loud = 20.0 if encoding == "FLOAT" else 1.0  # over full scale, which these files can store
        soundfile.write(folder / name, loud * wave, 12000, subtype=encoding)
    return folder


def run(backend: str, *argv) -> subprocess.CompletedProcess:
    Backend(backend)
    command = [sys.executable, "-m", f"nanospeech_{backend}.edit", *map(str, argv)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def main(backend: str, *argv) -> int:
    return Backend(backend).module("edit").main([*map(str, argv)])


@pytest.mark.slow
@pytest.mark.parametrize("backend", NAMES)
def test_a_file_is_edited(folder, tmp_path, backend):
    out = tmp_path / "out.wav"
    done = run(
        backend, "--audio", folder / "a.wav", "--text", SAID, "--edit", WANTED, "--output", out,
        "--model", folder, "--num-iter", "2", "--seed", "3", "--margin", "20",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "s of speech edited in" in done.stderr and "out.wav" in done.stderr
    info = soundfile.info(out)
    assert (info.samplerate, info.channels, info.subtype) == (12000, 2, "PCM_16")
    before, after = (soundfile.read(path, dtype="int16")[0] for path in (folder / "a.wav", out))
    head = int(np.argmin((before[: len(after)] == after[: len(before)]).all(axis=1)))
    count = min(len(before), len(after))
    tail = int(np.argmin((before[::-1][:count] == after[::-1][:count]).all(axis=1)))
    assert len(after) > len(before) and len(before) / 4 < head + tail < len(before)


@pytest.mark.parametrize("name", ["a.wav", "b.wav", "c.wav", "d.flac"])
def test_every_encoding_is_kept_sample_by_sample(folder, tmp_path, name):
    out = tmp_path / name
    argv = ["--audio", folder / name, "--output", out, "--model", folder, "--quiet"]
    assert main(NAMES[0], *argv, "--text", SAID, "--edit", SAID) == 0
    assert soundfile.info(out).subtype == soundfile.info(folder / name).subtype
    before, after = (soundfile.read(path, dtype="float64")[0] for path in (folder / name, out))
    assert np.array_equal(before, after) and (name != "c.wav" or np.abs(after).max() > 1)
    assert main(NAMES[0], *argv, "--text", SAID, "--edit", WANTED, "--num_iter", 1) == 0
    changed = soundfile.read(out, dtype="float64")[0]
    assert np.array_equal(changed[:3000], before[:3000]) and len(changed) != len(before)


@pytest.mark.parametrize(
    ("name", "encoding"), [("a.wav", "PCM_16"), ("b.wav", "PCM_24"), ("e.wav", "PCM_24")]
)
def test_flac_keeps_what_it_can(folder, tmp_path, name, encoding):
    wave = soundfile.read(folder / "b.wav")[0]
    soundfile.write(folder / "e.wav", wave, 12000, subtype="FLOAT")  # no more than 24 bits can store
    out = tmp_path / "out.flac"
    argv = ["--audio", folder / name, "--output", out, "--model", folder, "--text", SAID, "--edit", SAID]
    assert main(NAMES[0], *argv, "--quiet") == 0
    assert soundfile.info(out).subtype == encoding
    assert np.array_equal(soundfile.read(out)[0], soundfile.read(folder / name)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--audio": "nowhere.wav"}, "cannot read nowhere.wav: No such file"),
        ({"--output": "x.txt"}, "cannot write x.txt: the suffix must be one of"),
        ({"--audio": "high.wav", "--output": "x.opus"}, "cannot write x.opus at 44100 Hz with 1 channel"),
        ({"--audio": "high.wav", "--output": "x.opus", "--model": "none"}, "x.opus at 44100 Hz"),  # at once
        ({"--edit": " "}, "--edit is empty"),
        ({"--text": ""}, "--text is empty"),
        ({"--text": "word " * 200, "--edit": "one"}, "cannot be aligned to"),
    ],
)
@pytest.mark.parametrize("backend", NAMES)
def test_what_cannot_be_done_is_one_line(folder, tmp_path, monkeypatch, capsys, backend, changes, message):
    out = tmp_path / "out.wav"
    monkeypatch.chdir(tmp_path)
    soundfile.write("high.wav", np.zeros(44100), 44100)
    flags = {
        "--audio": folder / "a.wav",
        "--text": SAID,
        "--edit": WANTED,
        "--output": out,
        "--model": folder,
    }
    argv = [part for pair in (flags | changes).items() for part in pair]
    assert main(backend, *argv) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and message in err and not out.exists()


@pytest.mark.parametrize("backend", NAMES)
def test_precision_is_the_models(folder, tmp_path, backend):
    waves = []
    for precision in ("float32", "float16"):
        out = tmp_path / f"{precision}.wav"
        arguments = ("--text", SAID, "--edit", WANTED, "--model", folder, "--num-iter", 2, "--quiet")
        assert (
            main(backend, "--audio", folder / "a.wav", "--output", out, *arguments, "--precision", precision)
            == 0
        )
        waves.append(soundfile.read(out)[0])
    assert abs(len(waves[0]) - len(waves[1])) < 100 and not np.array_equal(*waves)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--margin", "-1"], "--margin must be from 0 to 500 milliseconds, not -1.0"),
        (["--steps", "0"], "--steps must be"),
        (["--output", ""], "argument --output: the name is empty"),
        (["--audio", ""], "argument --audio: the name is empty"),
        (["--voice", "heart"], "unrecognized arguments: --voice heart"),
    ],
)
def test_mistakes_in_the_arguments(folder, capsys, more, message):
    with pytest.raises(SystemExit) as caught:
        main(NAMES[0], "--audio", "a.wav", "--text", SAID, "--edit", WANTED, "--output", "b.wav", *more)
    assert caught.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.slow
def test_help_needs_no_framework():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['mlx'] = None; sys.argv = ['edit', '--help']; "
        "import nanospeech_{0}.edit as edit; edit.main()"
    )
    for backend in NAMES:
        done = subprocess.run(
            [sys.executable, "-c", code.format(backend)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert "--margin" in done.stdout and "--refine" in done.stdout and "--sampler" in done.stdout


def test_consent_is_asked_for(capsys):
    from nanospeech_core.cli import edit

    with pytest.raises(SystemExit):
        edit.run(None, ["--help"], "prog")
    assert "a person who agreed to it" in " ".join(capsys.readouterr().out.split())
