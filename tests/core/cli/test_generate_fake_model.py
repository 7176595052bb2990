"""The command line around a stand-in for the model: text in, files out, exit codes, messages."""

import ast
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from checkpoints import tiny_config
from commands import stdin
from text_stages import split_sentences

from nanospeech_core.audio import files as audio
from nanospeech_core.cli import generate as cli
from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.speech.speech import Phone, Speech, Word
from nanospeech_core.voices.store import Voice


class FakePipeline:
    """Half a second a sentence; keeps what it was asked."""

    sample_rate = 24000
    config = tiny_config()

    def __init__(self, error: BaseException | None = None):
        self.error, self.text, self.options, self.model = error, None, None, "not loaded"

    def load(self, model, vocoder, compile=False, precision="float32"):
        self.model, self.vocoder, self.compile, self.precision = model, vocoder, compile, precision
        return self

    def voices(self):
        return [
            Voice("heart", np.zeros(1), "", "", None, "en-us", "warm"),
            Voice("emma", np.zeros(1), "", ""),
        ]

    def speak(self, text, *, progress=None, **options):
        self.text, self.options = text, options
        sentences = split_sentences(text)
        for done, sentence in enumerate(sentences):
            progress(done, len(sentences))
            if self.error and done == len(sentences) - 1:
                raise self.error
            start = done / 2
            word = Word(sentence, start + 0.1, start + 0.4, (Phone("a", start + 0.1, start + 0.4),))
            phones = (Phone(" ", start, start + 0.1), *word.phones, Phone(" ", start + 0.4, start + 0.5))
            wave = np.full(12000, 0.25, dtype=np.float32)
            yield Speech(wave, sentence, start, start + 0.5, (word,), phones)
        progress(len(sentences), len(sentences))

    def generate_batch(self, texts, **options):
        self.text, self.options = texts, options
        for number in reversed(range(len(texts))):
            yield number, np.full(1000 * (number + 1), 0.25, dtype=np.float32)


LONG = "This is a sentence of some length. This is another one of some length."


@pytest.fixture
def pipeline():
    return FakePipeline()


@pytest.fixture
def run(tmp_path, pipeline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *argv: cli.run(pipeline.load, argv, "prog")


def test_writes_a_file_and_one_line(run, pipeline, capsys):
    models = ("--model", "somewhere", "--vocoder", "elsewhere")
    assert run("--text", "Hello.", "--output", "a.wav", "--seed", "7", *models) == 0
    assert len(audio.read("a.wav")) == 12000
    assert pipeline.text == "Hello." and (pipeline.model, pipeline.vocoder) == ("somewhere", "elsewhere")
    expected = {**vars(GenerateOptions()), "seed": 7}
    assert pipeline.options == expected
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("0.5 s of speech in ") and err.endswith("-> a.wav\n")
    assert err.count("\n") == 1


def test_long_text_has_a_bar_and_is_joined(run, capsys):
    assert run("--text", LONG, "--output", "a.wav") == 0
    assert len(audio.read("a.wav")) == 24000
    assert "2/2" in capsys.readouterr().err


def test_quiet(run, capsys):
    assert run("--text", LONG, "--output", "a.wav", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_text_from_standard_input(run, pipeline, monkeypatch):
    stdin(monkeypatch, "Schön.\n".encode())
    assert run("--output", "a.wav") == 0
    assert pipeline.text == "Schön.\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\xff", "not UTF-8"),
        (b"a\0b", "control character"),
        (b"", "empty"),
        (b"hello " * 200_000, "at most 100,000 characters"),
        (b"a" * 300_000, "at most 100,000"),
    ],
)
def test_bad_standard_input(run, pipeline, monkeypatch, capsys, data, message):
    stdin(monkeypatch, data)
    assert run("--output", "a.wav") == 1
    err = capsys.readouterr().err
    assert message in err and err.startswith("prog: ") and err.count("\n") == 1
    assert pipeline.model == "not loaded" and not os.path.exists("a.wav")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--text", "a", "--cfg", "nan"], "--cfg must be a number from 0 to 20, not nan"),
        (["--text", "a", "--num_iter", "0"], "--num_iter must be"),
        (["--text", "a", "--num-iter", "x"], "invalid int value"),
        (["--text", "a", "--ref-text", "b"], "--ref-text needs --ref-audio"),
        (["--text", "a", "--method", "heun"], "invalid choice"),
        (["--text", "a", "--output", ""], "argument --output: the name is empty"),
        (["--text", "a", "--ref-audio", ""], "argument --ref-audio: the name is empty"),
        (["--nonsense"], "unrecognized arguments"),
        (["--text", "a", "--out", "a.wav"], "unrecognized arguments"),  # no abbreviations
        ([], "give --text"),
    ],
)
def test_mistakes_in_the_arguments_exit_2(run, pipeline, monkeypatch, capsys, argv, message):
    stdin(monkeypatch, b"", tty=True)
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") <= 2
    assert pipeline.model == "not loaded"


@pytest.mark.parametrize("output", ["a.xyz", "no/such/folder/a.wav", "."])
def test_bad_output_gives_an_error_before_the_model_is_loaded(run, pipeline, capsys, output):
    assert run("--text", "Hello.", "--output", output) == 1
    assert capsys.readouterr().err.startswith("prog: cannot write")
    assert pipeline.model == "not loaded"


def test_a_player_is_searched_for_before_the_model_is_loaded(run, pipeline, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert run("--text", "Hello.") == 1
    assert "pip install sounddevice" in capsys.readouterr().err
    assert pipeline.model == "not loaded"


def player(played: list) -> SimpleNamespace:
    """In place of `Player`: records its calls."""
    return SimpleNamespace(
        put=lambda wave: played.append(len(wave)),
        finish=lambda: played.append("finished"),
        stop=lambda: played.append("stopped"),
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("no")])
def test_a_failure_stops_the_sound(run, pipeline, monkeypatch, error):
    played, pipeline.error = [], error
    monkeypatch.setattr(cli, "check_player", lambda: None)
    monkeypatch.setattr("nanospeech_core.audio.player.Player", lambda rate: player(played))
    assert run("--text", LONG, "--quiet") == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert played == [12000, "stopped"]


def test_lines_of_a_file(run, pipeline, capsys):
    Path("lines.txt").write_text("First.\n\nSecond one.\n", encoding="utf-8")
    assert run("--input", "lines.txt", "--output-dir", "out", "--batch-size", "3", "--seed", "5") == 0
    assert pipeline.text == ["First.", "Second one."]
    assert (pipeline.options["batch_size"], pipeline.options["seed"]) == (3, 5)
    assert pipeline.options["names"] == ["lines.txt, line 1", "lines.txt, line 3"]
    assert sorted(os.listdir("out")) == ["0001.wav", "0003.wav"]  # as messages number the lines
    assert len(audio.read("out/0003.wav")) == 2000
    assert "s of speech in" in capsys.readouterr().err


def test_a_form_feed_ends_no_line(run, pipeline):
    Path("lines.txt").write_bytes("First.\r\nSecond\fpage.\nA\u2028third.\n".encode())
    assert run("--input", "lines.txt", "--output-dir", "out", "--quiet") == 0
    assert pipeline.text == ["First.", "Second\fpage.", "A\u2028third."]
    assert pipeline.options["names"] == [f"lines.txt, line {number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("lines.txt, line 1: no")])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_stays_empty_is_taken_away(run, pipeline, error, there):
    def fail(texts, **options):
        raise error
        yield

    Path("lines.txt").write_text("First.\n", encoding="utf-8")
    if there:
        Path("out").mkdir()
    pipeline.generate_batch = fail
    code = 130 if isinstance(error, KeyboardInterrupt) else 1
    assert run("--input", "lines.txt", "--output-dir", "out", "--quiet") == code
    assert Path("out").exists() == there


def test_the_bar_is_there_before_the_first_batch(run, pipeline, capsys):
    seen = []

    def record(texts, **options):
        seen.append(capsys.readouterr().err)
        yield from ()

    Path("lines.txt").write_text("First.\nSecond.\n", encoding="utf-8")
    pipeline.generate_batch = record
    assert run("--input", "lines.txt", "--output-dir", "out") == 0
    assert "0/2" in seen[0]


def test_what_is_written_stays_after_a_failure(run, pipeline):
    def one(texts, **options):
        yield 0, np.zeros(1000, dtype=np.float32)
        raise KeyboardInterrupt

    Path("lines.txt").write_text("First.\n", encoding="utf-8")
    pipeline.generate_batch = one
    assert run("--input", "lines.txt", "--output-dir", "out", "--quiet") == 130
    assert os.listdir("out") == ["0001.wav"]


def test_an_error_names_the_number_of_a_line_that_is_no_text(run, pipeline, capsys):
    Path("lines.txt").write_bytes(b"First.\n\n\nSec\0ond.\n")
    assert run("--input", "lines.txt", "--output-dir", "out") == 1
    assert capsys.readouterr().err.startswith("prog: lines.txt, line 4 has a control character (U+0000)")
    assert pipeline.model == "not loaded" and not os.path.exists("out")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["--input", "no.txt", "--output-dir", "out"], 1, "cannot read no.txt"),
        (["--input", "empty.txt", "--output-dir", "out"], 1, "empty.txt has no text"),
        (["--input", "lines.txt", "--output-dir", "lines.txt"], 1, "cannot create the folder"),
        (["--input", "lines.txt", "--output-dir", "no/such/out"], 1, "there is no folder"),
        (["--input", "lines.txt"], 2, "--input needs --output-dir"),
        (["--text", "a", "--output-dir", "out"], 2, "--input needs --output-dir"),
        (["--input", "lines.txt", "--output-dir", "out", "--text", "a"], 2, "cannot be used together"),
        (["--input", "lines.txt", "--output-dir", "out", "--stream"], 2, "cannot be used together"),
        (["--input", "lines.txt", "--output-dir", "out", "--batch-size", "0"], 2, "at least 1"),
        (["--input", "lines.txt", "--output-dir", "-"], 2, "--output-dir must be a folder"),
    ],
)
def test_bad_lines(run, capsys, argv, code, message):
    Path("lines.txt").write_text("First.\n", encoding="utf-8")
    Path("empty.txt").write_text("\n", encoding="utf-8")
    try:
        assert run(*argv) == code == 1
    except SystemExit as stop:
        assert stop.code == code == 2
    assert message in capsys.readouterr().err
    assert not os.path.exists("out")


@pytest.mark.parametrize("order", ["random", "interleaved"])
def test_a_stream_has_its_own_order(run, capsys, order):
    flags = ("--text", "Hello.", "--output", "a.wav", "--stream", "--sampler", "masked", "--order")
    with pytest.raises(SystemExit, match="2"):
        run(*flags, order)
    assert f"--order {order} cannot be used together" in capsys.readouterr().err
    assert run(*flags, "blocks") == 0


def test_a_message_is_no_error_though_warnings_are(run, pipeline, monkeypatch, capsys):
    monkeypatch.setattr(type(pipeline), "voices", lambda self: warnings.warn("Listen.", stacklevel=1) or [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run("--list-voices") == 0
    assert capsys.readouterr().err == "prog: Listen.\n"


def test_plays_each_sentence(run, monkeypatch, capsys):
    played = []
    monkeypatch.setattr(cli, "check_player", lambda: None)
    monkeypatch.setattr("nanospeech_core.audio.player.Player", lambda rate: player(played))
    assert run("--text", LONG, "--quiet") == 0
    assert played == [12000, 12000, "finished"]


def test_timestamps(run, capsys):
    assert run("--text", LONG, "--output", "a.wav", "--timestamps", "a.srt", "--quiet") == 0
    assert Path("a.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,100 --> 00:00:00,400\nThis is a sentence of some length.\n\n"
        "2\n00:00:00,600 --> 00:00:00,900\nThis is another one of some length.\n"
    )


@pytest.mark.parametrize("path", ["a.txt", "no/such/folder/a.srt", "."])
def test_bad_timestamps_give_an_error_before_the_model_is_loaded(run, pipeline, capsys, path):
    assert run("--text", "Hello.", "--output", "a.wav", "--timestamps", path) == 1
    assert capsys.readouterr().err.startswith("prog: cannot write")
    assert pipeline.model == "not loaded"


def test_timestamps_of_a_model_without_durations(run, pipeline, capsys):
    pipeline.config = tiny_config(text=TextConfig("characters", tuple("abc"), "filler"), phone_duration=None)
    assert run("--text", "Hello.", "--output", "a.wav", "--timestamps", "a.srt") == 1
    assert "no durations" in capsys.readouterr().err
    assert pipeline.text is None and os.listdir() == []


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("the checkpoint\nis broken"), 1, "prog: the checkpoint is broken\n"),
        (KeyboardInterrupt(), 130, "prog: interrupted\n"),
    ],
)
def test_failures_leave_no_file(run, pipeline, capsys, error, code, message):
    pipeline.error = error
    Path("old.wav").write_bytes(b"old")
    assert run("--text", LONG, "--output", "a.wav", "--quiet") == code
    assert run("--text", LONG, "--output", "old.wav", "--quiet") == code
    assert capsys.readouterr().err == 2 * message
    assert os.listdir() == ["old.wav"] and Path("old.wav").read_bytes() == b"old"


def test_other_errors_are_not_hidden(run, pipeline):
    pipeline.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        run("--text", "Hello.", "--output", "a.wav")


def test_an_error_names_the_flag_of_an_empty_text(run, capsys):
    assert run("--text", " ", "--output", "a.wav") == 1
    assert capsys.readouterr().err == "prog: --text is empty\n"


def test_list_voices(run, capsys):
    assert run("--list-voices") == 0
    assert capsys.readouterr().out == "heart  en-us  warm\nemma   en-us\n"
    assert run("--list_voices") == 0


def test_version(run, capsys):
    with pytest.raises(SystemExit) as caught:
        run("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("nanospeech-mar ")


def test_warnings_are_one_line(tmp_path, monkeypatch, capsys):
    import warnings

    class Warning_(FakePipeline):
        def speak(self, text, **options):
            warnings.warn("a symbol is skipped", stacklevel=1)
            yield from super().speak(text, **options)

    monkeypatch.chdir(tmp_path)
    assert cli.run(Warning_().load, ["--text", "Hello.", "--output", "a.wav"], "prog") == 0
    assert capsys.readouterr().err.startswith("prog: a symbol is skipped\n0.5 s of speech")


def test_closed_standard_output():
    """`generate --list-voices | head -0` prints nothing."""
    root = Path(cli.__file__).parents[2]
    code = (
        "import sys; from nanospeech_core.cli import generate as cli\n"
        "class Voice:\n    name = 'x' * 60; language = 'en'; description = 'd'\n"
        "class FakePipeline:\n    voices = lambda self: [Voice] * 5000\n"
        "sys.exit(cli.run(lambda *_: FakePipeline(), ['--list-voices'], 'prog'))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_the_device_decides_unless_a_flag_does(pipeline, run, tmp_path):
    text_flags = ("--text", "Hello.", "--output", str(tmp_path / "a.wav"))
    for flags in ([], ["--refine"], ["--sampler", "ode"]):
        assert run(*text_flags, *flags) == 0 and (pipeline.compile, pipeline.precision) == (None, None)
        assert run(*text_flags, *flags, "--compile") == 0 and pipeline.compile is True
        assert run(*text_flags, *flags, "--no-compile", "--precision", "float32") == 0
        assert (pipeline.compile, pipeline.precision) == (False, "float32")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize(
    ("output", "reason"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")]
)
def test_standard_output_that_takes_nothing(output, reason):
    code = "import sys; from nanospeech_core.cli.generate import guard, print_result\n"
    code += "sys.exit(guard(lambda: print_result(1), 'prog', False))"
    line = ["sh", "-c", f'"$0" -c "$1" {output}', sys.executable, code]
    done = subprocess.run(line, cwd=Path(cli.__file__).parents[2], capture_output=True, text=True)
    assert done.stderr == f"prog: cannot write to standard output: {reason}\n" and done.returncode == 1


def test_commands_print_by_print_result():
    """What is printed otherwise fails with a traceback where standard output takes nothing."""
    root = Path(cli.__file__).parents[2]
    files = [file for folder in ("nanospeech_core", "convert") for file in (root / folder).rglob("*.py")]
    calls = [
        (file.name, node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print"
    ]
    assert [name for name, node in calls if "file" not in [k.arg for k in node.keywords]] == ["output.py"]


def test_precision_is_the_models(pipeline, run, tmp_path, capsys):
    text_flags = ["--text", "Hello.", "--output", str(tmp_path / "out.wav"), "--quiet"]
    for flags, precision in (([], None), (["--precision", "bfloat16"], "bfloat16")):
        assert run(*text_flags, *flags) == 0 and pipeline.precision == precision
    with pytest.raises(SystemExit) as exit_:
        run(*text_flags, "--precision", "int8")
    assert exit_.value.code == 2 and "invalid choice: 'int8'" in capsys.readouterr().err
