"""Standard input and output, pipes and devices where a file is named."""

import importlib
import io
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import Backend
from checkpoints import tiny_config
from commands import stdin
from text_stages import split_sentences
from wavs import wav_samples

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.wav_stream import pcm16
from nanospeech_core.cli import edit
from nanospeech_core.cli import generate as cli
from nanospeech_core.speech.speech import Speech
from nanospeech_core.system import streams as pipes
from nanospeech_core.system.files import check_writable, replacing

ROOT = Path(__file__).parents[3]
LONG = "This is a sentence of some length. This is another one of some length."
WAVE = np.concatenate(
    (np.random.default_rng(0).uniform(-1.1, 1.1, 5000), np.arange(-4, 5) / 32768, [1, -1])
).astype(np.float32)


class FakeModel:
    """A tenth of a second a sentence."""

    sample_rate = 24000
    config = tiny_config()

    def load(self, *_, **__):
        return self

    def speak(self, text, *, progress=None, **options):
        self.text = text
        for number, sentence in enumerate(split_sentences(text)):
            yield Speech(np.full(2400, 0.1 * (number + 1), np.float32), sentence, 0, 0.1, (), ())

    def generate_batch(self, texts, **options):
        self.text = texts
        for number in range(len(texts)):
            yield number, np.full(100, 0.25, np.float32)

    def edit(self, wave, *_, **__):
        return wave


@pytest.fixture
def pipeline():
    return FakeModel()


@pytest.fixture
def run(tmp_path, pipeline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *argv: cli.run(pipeline.load, argv, "prog")


@pytest.mark.parametrize("output", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output_takes_a_wav(run, capfdbinary, output):
    assert run("--text", LONG, "--output", output) == 0
    out, err = capfdbinary.readouterr()
    expected = np.repeat(pcm16(np.array([0.1, 0.2], np.float32)), 2400)
    assert np.array_equal(wav_samples(out), expected)
    assert err.endswith(b"standard output\n" if output == "-" else output.encode() + b"\n")
    assert not os.listdir()


def test_a_file_behind_standard_output_has_its_length(run, tmp_path, capfd, monkeypatch):
    path = tmp_path / "a.wav"
    with capfd.disabled(), open(path, "wb") as file:
        file.write(b"before")
        file.flush()
        before = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            assert run("--text", "One.", "--output", "-", "--quiet") == 0
        finally:
            os.dup2(before, 1), os.close(before)
    data = path.read_bytes()
    assert data.startswith(b"before")
    assert struct.unpack("<I", data[46:50])[0] == 4800 and len(wav_samples(data[6:])) == 2400


def test_devices(run, capfd):
    assert run("--text", "One.", "--output", os.devnull) == 0
    assert not os.listdir() and os.path.exists(os.devnull)
    if os.path.exists("/dev/full"):
        assert run("--text", "One.", "--output", "/dev/full") == 1
        assert capfd.readouterr().err.endswith("cannot write /dev/full: No space left on device\n")


@pytest.mark.parametrize("flags", [[], ["--text", "-"]], ids=str)
def test_the_text_from_standard_input(run, pipeline, monkeypatch, flags):
    stdin(monkeypatch, "One. Zwölf.".encode())
    assert run(*flags, "--output", "a.wav") == 0
    assert pipeline.text == "One. Zwölf."


@pytest.mark.parametrize("source", ["-", "/dev/stdin", "pipe"])
def test_lines_from_a_pipe(run, pipeline, tmp_path, source, capfd):
    reader, writer = os.pipe()
    with open(writer, "wb") as file:
        file.write(b"One.\n\nTwo.\n")
    before = os.dup(0)
    os.dup2(reader, 0)
    try:
        if source == "pipe":
            os.mkfifo(source)
            threading.Thread(target=lambda: Path(source).write_bytes(b"One.\n\nTwo.\n")).start()
        assert run("--input", source, "--output-dir", "out") == 0
    finally:
        os.dup2(before, 0), os.close(before), os.close(reader)
    assert pipeline.text == ["One.", "Two."]
    assert sorted(os.listdir("out")) == ["0001.wav", "0003.wav"]


def test_nothing_on_standard_input(run, monkeypatch, capfd):
    stdin(monkeypatch, b"")
    null = os.open(os.devnull, os.O_RDONLY)
    before = os.dup(0)
    os.dup2(null, 0)
    try:
        assert run("--input", "-", "--output-dir", "out") == 1
    finally:
        os.dup2(before, 0), os.close(before), os.close(null)
    assert capfd.readouterr().err == "prog: standard input has no text\n"
    monkeypatch.setattr(sys, "stdin", None)
    for flags in (["--text", "-", "--output", "a.wav"], ["--input", "-", "--output-dir", "out"]):
        assert run(*flags) == 1
        assert capfd.readouterr().err == "prog: cannot read standard input: it is closed\n"


@pytest.mark.parametrize("source", ["-", "pipe.flac"])
def test_a_recording_from_a_pipe(tmp_path, monkeypatch, pipeline, source, capfdbinary):
    """Read from one and written to another: an editor in a pipeline."""
    monkeypatch.chdir(tmp_path)
    audio.write("a.flac", WAVE)
    data, before = Path("a.flac").read_bytes(), os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    if source != "-":
        os.mkfifo(source)
    place = f"/dev/fd/{writer}" if source == "-" else source
    feed = threading.Thread(target=lambda: Path(place).write_bytes(data))
    feed.start()
    if source == "-":
        feed.join(10)
    os.close(writer)
    try:
        flags = ["--audio", source, "--text", "a", "--edit", "b", "--output", "-"]
        assert edit.run(pipeline.load, flags, "prog") == 0
    finally:
        os.dup2(before, 0), os.close(before), os.close(reader)
    wave, rate = soundfile.read(io.BytesIO(capfdbinary.readouterr().out), dtype="int16")
    assert np.array_equal(wave, soundfile.read("a.flac", dtype="int16")[0])


def test_what_is_no_file_gives_an_error(tmp_path, run, monkeypatch, capfd):
    (tmp_path / "pipe").mkdir()
    for path in ("/dev/fd/999", "/proc/self/fd/999"):
        assert run("--text", "One.", "--output", path) == 1
        assert f"cannot write {path}: Bad file descriptor" in capfd.readouterr().err
    assert run("--text", "One.", "--output", "pipe") == 1
    assert run("--text", "One.", "--output", "no-suffix") == 1
    assert "the suffix must be one of .wav" in capfd.readouterr().err
    monkeypatch.setattr(sys, "stdout", None)
    assert run("--text", "One.", "--output", "-") == 1
    assert capfd.readouterr().err.endswith("cannot write to standard output: it is closed\n")


def test_a_terminal_is_not_written_to(run, capfd):
    main, terminal = os.openpty()
    try:
        assert run("--text", "One.", "--output", f"/dev/fd/{terminal}") == 1
    finally:
        os.close(main), os.close(terminal)
    assert "cannot write sound to a terminal" in capfd.readouterr().err


def test_an_answer_and_its_sound_are_not_mixed(capsys):
    """A language model's words are written to standard output too."""
    Backend("mlx")
    chat = importlib.import_module("nanospeech_mlx.chat.__main__")
    assert chat.parse(["--llm", "x", "--output", "-", "--quiet"])[0].output == "-"
    with pytest.raises(SystemExit):
        chat.parse(["--llm", "x", "--output", "-"])
    assert "--output - needs --quiet" in capsys.readouterr().err


def test_a_file_may_be_called_so(run, tmp_path):
    (tmp_path / "-").mkdir()
    assert run("--text", "One.", "--output", "./-/-.wav") == 0
    assert os.listdir("-") == ["-.wav"]
    assert not pipes.is_stream("./-") and not pipes.is_stream("a\0b") and not pipes.is_stream(tmp_path)


def test_other_files_go_to_standard_output(tmp_path, capfd):
    """What `replacing` writes (JSON, subtitles) is complete, and follows what was in the file."""
    for path in ("-", "/dev/stdout"):
        check_writable(path)
        with replacing(path) as temporary:
            temporary.write_text("all of it")
        with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError
    assert capfd.readouterr().out == "all of it" * 2
    number = os.open(tmp_path / "a.txt", os.O_WRONLY | os.O_CREAT)
    os.write(number, b"first, ")
    with replacing(f"/dev/fd/{number}") as temporary:
        temporary.write_text("then")
    os.write(number, b", last")
    os.close(number)
    assert (tmp_path / "a.txt").read_text() == "first, then, last"


def test_a_pipe_that_has_no_room_yet():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data, got = os.urandom(1 << 20), []
    thread = threading.Thread(target=lambda: got.append(open(reader, "rb").read()))
    with open(writer, "wb", buffering=0) as stream:
        thread.start()
        pipes.write_all(stream, data)
    thread.join(10)
    assert got == [data]


CODE = """
import sys, numpy as np
sys.path[:0] = ["tests/helpers", "tests/core/system"]
from test_streams import FakeModel
from nanospeech_core.cli import generate as cli
text = "This is a sentence of some length. " * 200
sys.exit(cli.run(FakeModel().load, ["--text", text, "--output", sys.argv[1], "--quiet"], "prog"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_a_pipe_that_nobody_reads_ends_it_quietly(output):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, output], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.read(44).startswith(b"RIFF")
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
