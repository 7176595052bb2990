"""`python -m nanospeech_{mlx,torch}.generate`, as its user runs it: in this process, or in one of its own."""

import contextlib
import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import commands
import numpy as np
import pytest
import soundfile
from backends import NAMES
from checkpoints import FRAMES, make_voice, write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import load_tensors, save_tensors
from nanospeech_core.voices.store import save_voice

FRAMEWORKS = ("torch", "mlx")
TEXT = "Hello there, how are you?"
TEXT_SYMBOLS = 25  # about; its phonemes and two pauses
LONG = "This is one sentence among a great many others. " * 100


@pytest.fixture(params=NAMES)
def backend(request) -> str:
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("generate") / "tiny")


@pytest.fixture
def broken(model, tmp_path) -> Path:
    """A copy of the checkpoint, to be broken."""
    return shutil.copytree(model, tmp_path / "broken")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to write in, the current one."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


def run(
    backend: str,
    *arguments: object,
    code: int = 0,
    stdin: bytes = b"",
    frameworks: bool = True,
    process: bool = False,
) -> tuple[str, str]:
    """Standard output and error of a run that must end with `code`; frameworks: whether any is installed."""
    module, absent = f"nanospeech_{backend}.generate", () if frameworks else FRAMEWORKS
    if process:
        done = commands.in_a_process(module, *arguments, stdin=stdin, absent=absent)
    else:
        with commands.without(*absent) if absent else contextlib.nullcontext():
            done = commands.in_this_process(module, *arguments, stdin=stdin)
    assert done.code == code, done
    assert "Traceback" not in done.err
    return done.out, done.err


def fails(backend: str, *arguments: object, **options) -> str:
    """The one sentence of a run that fails; nothing may be left in the current folder."""
    before = sorted(os.listdir())
    out, err = run(backend, *arguments, code=1, **options)
    prefix = f"python -m nanospeech_{backend}.generate: "
    assert out == "" and err.startswith(prefix) and err.count("\n") == 1 and err.endswith("\n"), err
    assert sorted(os.listdir()) == before
    return err.removeprefix(prefix).strip()


def speaks(path: str) -> float:
    """The seconds of a file that must contain audible speech in the right format."""
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (24000, 1, "PCM_16")
    wave = audio.read(path)
    assert np.sqrt(np.mean(wave**2)) > 0.005
    return len(wave) / 24000


# speaking


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--use-diffusion"], ["--use_diffusion", "--num-iter", "4"], []], ids=str)
def test_speaks(backend, model, flags):
    process = flags == ["--use-diffusion"]
    out, err = run(backend, "--text", TEXT, "--model", model, "--output", "a.wav", *flags, process=process)
    seconds = speaks("a.wav")
    assert seconds == pytest.approx(TEXT_SYMBOLS * FRAMES * 256 / 24000, rel=0.4)
    assert out == "" and err.startswith(f"{seconds:.1f} s of speech in ") and err.endswith("-> a.wav\n")
    assert os.listdir() == ["a.wav"]


@pytest.mark.slow
def test_text_from_standard_input_is_the_same(backend, model):
    """In a process of its own, too."""
    for name, text, stdin in (("a.wav", ["--text", TEXT], b""), ("b.wav", [], f"{TEXT}\n".encode())):
        arguments = [*text, "--model", model, "--output", name, "--seed", 7, "--quiet"]
        assert run(backend, *arguments, stdin=stdin, process=not text) == ("", "")
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_long_text_has_a_progress_bar_and_keeps_its_tail(backend, model):
    text = "This is the first of three sentences. This is the second of them. This is the third, unended"
    _, err = run(backend, "--text", text, "--model", model, "--output", "a.flac", "--voice", "emma")
    assert "3/3" in err and err.rstrip().endswith("-> a.flac")
    assert speaks("a.flac") == pytest.approx(0.4 + len(text) * FRAMES * 256 / 24000, rel=0.25)


def test_lexicon_pauses_and_timestamps(backend, model):
    Path("words.tsv").write_text("hello\thˈaɪ\n", encoding="utf-8")
    text = "Hello there. [pause 0.5] How are [you](/jˈuː/)?"
    arguments = ["--text", text, "--lexicon", "words.tsv", "--timestamps", "a.json", "--output", "a.wav"]
    run(backend, *arguments, "--model", model, "--quiet")
    times = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert times["duration"] == pytest.approx(speaks("a.wav"), abs=1e-6)
    words = [word for sentence in times["sentences"] for word in sentence["words"]]
    assert [word["text"] for word in words] == ["Hello", "there.", "How", "are", "you?"]
    assert [phone["text"] for phone in words[0]["phones"]] == ["h", "ˈa", "ɪ"]
    assert words[2]["start"] - words[1]["end"] == pytest.approx(47 / 93.75, abs=1e-5)
    assert sorted(os.listdir()) == ["a.json", "a.wav", "words.tsv"]


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        (
            "Hello [pause x] there.",
            [],
            '"[pause x]" is not a pause of 0 to 60 seconds: write it like [pause 0.5]',
        ),
        ("[Hi](/X/)", [], '[Hi](/X/): "X" is not a phoneme of this model; its phonemes are'),
        ("Hi.", ["--lexicon", "no.tsv"], "cannot read no.tsv: No such file or directory"),
        ("Hi.", ["--timestamps", "a.txt"], "the suffix must be one of .json, .srt, .vtt"),
    ],
)
def test_bad_control(backend, model, text, flags, message):
    assert message in fails(backend, "--text", text, "--model", model, "--output", "a.wav", *flags)


def test_a_recording_in_place_of_a_voice(backend, model):
    recording = model / "voices" / "heart.flac"
    arguments = ["--text", "Hi.", "--ref-audio", recording, "--ref_text", "Hello there.", "--output", "a.wav"]
    run(backend, *arguments, "--model", model)
    assert 0.05 < speaks("a.wav") < 2


def test_a_voice_of_ones_own(backend, model, tmp_path, monkeypatch):
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    shutil.copy(model / "voices" / "heart.flac", "me.flac")
    voices = f"nanospeech_{backend}.voices"
    done = commands.in_this_process(voices, "add", "me", "me.flac", "Hello there.")
    assert done.out == 'me  en-us  2.0 s  "Hello there."\n'
    assert "TEXT may not be what is said in me.flac" in done.err  # the recording is a buzz
    speaking = ["--text", "Hi.", "--model", model, "--quiet", "--output", "a.wav"]
    run(backend, *speaking, "--voice", "me")
    assert 0.05 < speaks("a.wav") < 2
    assert run(backend, "--list-voices", "--model", model)[0].endswith("me     en-us  yours\n")


def test_lists_voices(backend, model):
    out, err = run(backend, "--list-voices", "--model", model)
    assert out == "heart  en-us  heart, a buzz\nemma   en-gb  emma, a buzz\n" and err == ""


# Chinese

CHINESE = "你好，世界！我用 Python 写3行代码。"


@pytest.fixture(scope="session")
def bilingual(model, tmp_path_factory) -> Path:
    """The tiny checkpoint with a Chinese voice, not its default one."""
    folder = shutil.copytree(model, tmp_path_factory.mktemp("bilingual") / "tiny")
    save_voice(folder, make_voice("xiaoxiao", "zh", "你好。", "ni↓xau↓."))
    return folder


@pytest.mark.slow
def test_chinese_finds_its_voice(backend, bilingual):
    arguments = ["--text", CHINESE, "--model", bilingual, "--use-diffusion", "--quiet"]
    for name, flags in {"found": [], "named": ["--voice", "xiaoxiao"], "other": ["--voice", "heart"]}.items():
        assert run(backend, *arguments, "--output", f"{name}.wav", *flags) == ("", "")
        assert 1 < speaks(f"{name}.wav") < 10
    found, named, other = (Path(f"{name}.wav").read_bytes() for name in ("found", "named", "other"))
    assert found == named != other


def test_lists_chinese_voices(backend, bilingual):
    assert run(backend, "--list-voices", "--model", bilingual)[0].splitlines() == [
        "heart     en-us  heart, a buzz",
        "emma      en-gb  emma, a buzz",
        "xiaoxiao  zh     xiaoxiao, a buzz",
    ]


def test_chinese_in_a_broken_installation(backend, bilingual):
    with commands.without("pypinyin"):
        message = fails(backend, "--text", CHINESE, "--model", bilingual, "--output", "a.wav")
    assert message.startswith("Chinese needs pypinyin, which ")
    assert message.endswith(": pip install pypinyin")


def test_version_and_help_need_no_framework(backend):
    assert run(backend, "--version", frameworks=False)[0].startswith("nanospeech-mar ")
    out, err = run(backend, "--help", frameworks=False, process=True)
    assert err == "" and out.startswith(f"usage: python -m nanospeech_{backend}.generate --text TEXT")
    for flag in ("--use-diffusion", "--num_iter", "--cfg", "--ref-audio", "--list-voices", "--seed"):
        assert flag in out


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
def test_the_embedded_model(backend):
    out, _ = run(backend, "--list-voices")
    assert {line.split()[0] for line in out.splitlines()} >= {
        "heart",
        "michael",
        "emma",
        "george",
        "xiaoxiao",
        "yunxi",
    }
    run(backend, "--text", TEXT, "--use-diffusion", "--output", "hello.wav")
    assert 0.8 < speaks("hello.wav") < 4


# mistakes in the arguments: exit 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cfg", "nan"], "--cfg must be a number from 0 to 20, not nan"),
        (["--cfg", "inf"], "--cfg must be a number from 0 to 20, not inf"),
        (["--num_iter", "0"], "--num_iter must be a whole number from 1 to 1000, not 0"),
        (["--num-iter", "1.5"], "invalid int value: '1.5'"),
        (["--diffusion-steps", "0"], "--diffusion-steps must be"),
        (["--steps", "100000"], "--steps must be a whole number from 1 to 1000"),
        (["--seed", "-1"], "--seed must be a whole number of at least 0, not -1"),
        (["--temperature", "-0.1"], "--temperature must be a number from 0 to 2"),
        (["--speed", "0"], "--speed must be a number from 0.25 to 4"),
        (["--sway-coef", "5"], "--sway-coef must be a number from -1 to 1"),
        (["--method", "heun"], "invalid choice: 'heun'"),
        (["--lang", "xx"], "invalid choice: 'xx'"),
        (["--ref-asr", "small"], "--ref-asr transcribes --ref-audio"),
        (["--ref-text", "Hi."], "--ref-text needs --ref-audio"),
        (["--voice", "a", "--ref-audio", "a.wav", "--ref-text", "Hi."], "cannot be used together"),
        (["--outputs", "b.wav"], "unrecognized arguments: --outputs"),
        (["--text"], "expected one argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_give_an_error_at_once(backend, arguments, sentence):
    """Before any framework is imported: it is absent here, and little time is taken."""
    process = arguments == ["--text"]
    who = resource.RUSAGE_CHILDREN if process else resource.RUSAGE_SELF
    before = resource.getrusage(who)
    argv = ["--text", "Hello.", "--output", "a.wav", *arguments]
    out, err = run(backend, *argv, code=2, stdin=b"Hi.", frameworks=False, process=process)
    after = resource.getrusage(who)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
    usage, error = err.splitlines()
    assert out == "" and usage.startswith("usage: ") and sentence in error
    assert error.startswith(f"python -m nanospeech_{backend}.generate: error: ")
    assert os.listdir() == []


# bad input that is refused before the framework is imported: exit 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the text is empty"),
        (b" \n\t ", "the text is empty"),
        (b"words " * 180_000, "the text is too long; at most 100,000 characters"),
        (b"words " * 20_000, "the text has 120,000 characters; at most 100,000"),
        (b"\x89PNG\r\n\x1a\n\0\0\xff", "the text is not UTF-8 (at byte 0); is it binary data?"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0", "control character (U+007F); is it binary data?"),
    ],
    ids=["empty", "blank", "1 MB", "120 kB", "png", "elf"],
)
def test_bad_text(backend, data, sentence):
    message = fails(backend, "--output", "a.wav", stdin=data, frameworks=False)
    # Which of the control characters is named is left open.
    assert sentence in message or ("U+007F" in sentence and "control character (U+00" in message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("a.xyz", "the suffix must be one of .wav"),
        ("wav", "the suffix must be one of .wav"),
        ("no/such/a.wav", "there is no folder no/such"),
        ("file/a.wav", "there is no folder file"),
        ("folder.wav", "it is a folder"),
    ],
)
def test_bad_output(backend, folder, output, sentence):
    (folder / "file").touch()
    (folder / "folder.wav").mkdir()
    assert sentence in fails(backend, "--text", "Hi.", "--output", output, frameworks=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_in(backend, folder):
    (folder / "locked").mkdir(mode=0o555)
    assert "no permission" in fails(backend, "--text", "Hi.", "--output", "locked/a.wav", frameworks=False)


def test_a_framework_that_is_not_installed(backend):
    message = fails(backend, "--text", "Hi.", "--output", "a.wav", frameworks=False, process=True)
    name, extra = {"torch": ("PyTorch", "torch"), "mlx": ("MLX", "cpu")}[backend]
    assert message.startswith(f"nanospeech_{backend} needs {name}")
    assert f'pip install ".[{extra}]"' in message


# bad input that is refused later: exit 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(backend, model, folder):
    (folder / "a.wav").symlink_to("/dev/full")
    assert "cannot write a.wav" in fails(backend, "--text", "Hi.", "--model", model, "--output", "a.wav")


def test_no_checkpoint_there(backend, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, sentence in (("none", "does not exist"), ("empty", "cannot read")):
        message = fails(backend, "--text", "Hi.", "--model", tmp_path / name, "--output", "a.wav")
        assert sentence in message and str(tmp_path / name) in message


def change_config(folder: Path, change) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def change_tensors(folder: Path, change, file: str = "model.safetensors") -> None:
    tensors, metadata = load_tensors(folder / file)
    change(tensors)
    save_tensors(folder / file, tensors, metadata)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


BREAK = {
    "config.json missing": (lambda f: (f / "config.json").unlink(), "cannot read", "config.json"),
    "config.json cut": (lambda f: cut(f / "config.json", 100), "is not valid JSON", "config.json"),
    "unknown key": (
        lambda f: change_config(f, lambda values: values.update(vocodr=1)),
        "config.json: unknown key 'vocodr' (did you mean 'vocoder'?)",
    ),
    "impossible size": (
        lambda f: change_config(f, lambda values: values["transformer"].update(heads=0)),
        "transformer.heads must be at least 1, not 0",
    ),
    "another size": (
        lambda f: change_config(f, lambda values: values["transformer"].update(depth=3)),
        "missing: transformer.transformer_blocks.2.",
    ),
    "weights missing": (lambda f: (f / "model.safetensors").unlink(), "cannot read", "model.safetensors"),
    "weights corrupt": (
        lambda f: (f / "model.safetensors").write_bytes(os.urandom(5000)),
        "model.safetensors is not a complete safetensors file",
    ),
    "weights truncated": (
        lambda f: cut(f / "model.safetensors", 100_000),
        "model.safetensors is not a complete safetensors file",
    ),
    "vocoder truncated": (
        lambda f: cut(f / "vocos.safetensors", 50_000),
        "vocos.safetensors is not a complete safetensors file",
    ),
    "wrong shape": (
        lambda f: change_tensors(f, lambda t: t.update({"to_mel.bias": np.zeros(7, np.float32)})),
        "1 of the wrong shape: to_mel.bias (is [7], should be [400])",
    ),
    "tensor missing": (
        lambda f: change_tensors(f, lambda t: t.pop("to_mel.bias")),
        "tensors 1 missing: to_mel.bias",
    ),
    "tensor too many": (
        lambda f: change_tensors(f, lambda t: t.update(extra=np.zeros(1, np.float32))),
        "tensors 1 unexpected: extra",
    ),
    "weights not finite": (
        lambda f: change_tensors(
            f, lambda t: t.update({"duration_predictor.to_pred.bias": np.array([np.nan], np.float32)})
        ),
        "is damaged: the tensor duration_predictor.to_pred.bias has values that are not finite",
    ),
    "samples not finite": (
        lambda f: change_tensors(f, lambda t: t.update({"to_mel.bias": np.full(400, 3e38, np.float32)})),
        "the audio has samples that are not finite",
    ),
    "voice corrupt": (
        lambda f: (f / "voices" / "heart.flac").write_bytes(b"no music"),
        "heart.flac: it is not an audio file",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAK)
def test_a_broken_checkpoint(backend, broken, name):
    breaks, *sentences = BREAK[name]
    breaks(broken)
    arguments = ["--text", "Hi.", "--model", broken, "--use-diffusion", "--output", "a.wav", "--quiet"]
    message = fails(backend, *arguments, process=name == "samples not finite")  # the last to be found
    assert all(sentence in message for sentence in sentences), message


def test_an_unknown_voice(backend, model):
    message = fails(backend, "--text", "Hi.", "--model", model, "--voice", "nobody", "--output", "a.wav")
    assert message == 'there is no voice "nobody"; the voices are emma, heart'


def wav(seconds: float, level: float) -> np.ndarray:
    noise = np.random.default_rng(0).uniform(-1, 1, round(24000 * seconds))
    return (level * noise * np.sin(np.arange(len(noise)) / 300)).astype(np.float32)


RECORDINGS = {
    "missing": (None, "No such file"),
    "empty": (b"", "it is not an audio file"),
    "text": (b"not audio at all", "it is not an audio file"),
    "0 seconds": (wav(0, 0), "it has no audio"),
    "silent": (wav(2, 0), "it is silent"),
    "too short": (wav(0.1, 0.1), "its speech lasts 0.1 s; at least 2 s are needed"),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_bad_recording(backend, model, tmp_path, name):
    content, sentence = RECORDINGS[name]
    path = tmp_path / "me.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        soundfile.write(path, content, 24000)
    arguments = ["--text", "Hi.", "--model", model, "--output", "a.wav", "--ref-text", "Hello."]
    message = fails(backend, *arguments, "--ref-audio", path)
    assert sentence in message and str(path) in message


@pytest.mark.parametrize("text", ["...", "\U0001f600 \U0001f680"])
def test_nothing_to_speak(backend, model, text):
    assert fails(backend, "--text", text, "--model", model, "--output", "a.wav") == (
        f'there is nothing to speak in "{text}"'
    )


@pytest.mark.slow
@pytest.mark.parametrize("quiet", [["--quiet"], []], ids=["quiet", "with a bar"])
def test_interrupted(backend, model, folder, quiet):
    arguments = [
        "--text",
        LONG,
        "--model",
        model,
        "--output",
        "a.wav",
        "--sampler",
        "ode",
        "--steps",
        200,
        *quiet,
    ]
    process = subprocess.Popen(
        [*commands.start_of(f"nanospeech_{backend}.generate"), *map(str, arguments), *quiet],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=commands.environment(),
        # a shell's background jobs, such as a CI's, begin with SIGINT ignored, and hand that on
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    if quiet:
        while (
            sum(map(os.path.getsize, os.listdir())) < 10_000
        ):  # the first sentence is written, beside its place
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        with pytest.raises(subprocess.TimeoutExpired):  # at work for a while
            process.wait(timeout=1)
    else:
        begun = b""
        while not re.search(rb"\b[1-9]\d?/100", begun):  # a sentence is done; the bar may skip some
            character = process.stderr.read(1)
            assert character, f"ended: {begun}"
            begun += character
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == b"" and err.count(b"\n") == 1
    assert err.split(b"\r")[-1].decode() == f"python -m nanospeech_{backend}.generate: interrupted\n"
    assert os.listdir() == []
