"""Talking with a tiny language model: what is spoken of its answer, Ctrl-C, and what can be wrong."""

import contextlib
import importlib.util
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from checkpoints import make_voice, write_checkpoint
from language_models import TEMPLATE, write_random_llm, write_scripted_llm

from nanospeech_core.audio import files as audio
from nanospeech_core.synthesis.pauses import AFTER_SECONDS, BEFORE_SECONDS
from nanospeech_core.voices.store import save_voice
from nanospeech_mlx.chat import __main__ as chat

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("mlx", "mlx_lm"))), reason="mlx-lm is not installed"
)

ROOT = Path(__file__).parents[3]
PIECES = [
    "<think>", "Hm. *What* do", " they want?", "</think>", "\n\n# Ans", "wer\n", "This is **the fi",
    "rst** sentence", ". And [the", " second](https://x.org", ") one", " is this.\n\n", "```py\nprint(",
    "1)\n```", "\n- an", " item \N{GRINNING FACE}",
]  # fmt: skip
SENTENCES = [
    "Answer",
    "This is the first sentence.",
    "And the second one is this.",
    "Code omitted.",
    "an item",
]
TTS = ["--use-diffusion", "--num_iter", "2", "--diffusion-steps", "2"]
PREFIX = "python -m nanospeech_mlx.chat: "


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = write_checkpoint(tmp_path_factory.mktemp("chat") / "tiny", format="mlx")
    save_voice(folder, make_voice("xiaoxiao", "zh", "你好。", "ni↓xau↓."))
    return folder


@pytest.fixture(scope="module")
def llm(tmp_path_factory) -> Path:
    return write_scripted_llm(tmp_path_factory.mktemp("chat") / "llm", PIECES)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to write in, the current one; standard input is no terminal, and empty."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    return tmp_path / "out"


@pytest.fixture
def run(model, capfd):
    """Runs the command with the tiny voices, gives its code, output and errors."""

    def main(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = chat.main([*map(str, arguments), "--model", str(model), *TTS])
        return (code, *capfd.readouterr())

    return main


def spoken(model: Path, sentences: list[str], **options) -> np.ndarray:
    """The content of a file of these sentences."""
    from nanospeech_mlx import Nanospeech

    tts = Nanospeech.from_pretrained(model)
    options = {"use_diffusion": True, "num_iter": 2, "diffusion_steps": 2, **options}
    spoken = [tts.speak(sentence, standalone=False, stream=True, **options) for sentence in sentences]
    return audio.as_written(np.concatenate([chunk.wave for chunks in spoken for chunk in chunks]))


@pytest.mark.slow
def test_the_answer_is_printed_and_spoken(run, model, llm):
    code, out, err = run("--llm", llm, "--prompt", "Well?", "--output", "a.wav")
    assert (code, out) == (0, "".join(PIECES) + "\n"), err
    first, second = err.splitlines()
    wave = audio.read("a.wav")
    assert (
        first.startswith("first sound after ") and second == f"{len(wave) / 24000:.1f} s of speech -> a.wav"
    )
    expected = spoken(model, SENTENCES)
    assert wave.shape == expected.shape and np.abs(wave - expected).max() < 1e-3


@pytest.mark.slow
def test_precision_is_the_speaking_models(run, model, llm):
    assert run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--precision", "float16")[0] == 0
    wave, expected = audio.read("a.wav"), spoken(model, SENTENCES)
    assert wave.shape == expected.shape and not np.array_equal(wave, expected)


@pytest.mark.slow
def test_the_question_from_standard_input(run, llm, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Schön?\n".encode())))
    assert run("--llm", llm, "--output", "a.flac", "--quiet", "--voice", "emma") == (0, "", "")
    assert len(audio.read("a.flac")) > 24000


@pytest.mark.slow
def test_each_sentence_has_a_voice_of_its_language(run, model, tmp_path):
    llm = write_scripted_llm(
        tmp_path / "llm", ["This is how it is sai", "d in Chinese:\n\n你好，", "我的世界！"]
    )
    assert run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--quiet")[0] == 0
    english = spoken(model, ["This is how it is said in Chinese:"], voice="heart")
    chinese = spoken(model, ["你好，我的世界！"], voice="xiaoxiao")
    wave = audio.read("a.wav")
    assert len(wave) == len(english) + len(chinese)


def test_sentences_are_as_far_apart_as_in_a_text(run, model, tmp_path):
    from nanospeech_mlx import Nanospeech

    pieces = ["The old man went down to ", "the river. ", "All the boats lay at the green bank."]
    llm = write_scripted_llm(tmp_path / "llm", pieces)
    assert run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--quiet")[0] == 0
    text = list(Nanospeech.from_pretrained(model).speak("".join(pieces), use_diffusion=True, num_iter=2))
    outside = text[0].words[0].start + text[1].end - text[1].words[-1].end  # not part of a longer speech
    assert len(audio.read("a.wav")) == pytest.approx(
        24000 * (text[1].end - outside + AFTER_SECONDS + BEFORE_SECONDS), abs=2
    )


@pytest.mark.slow
def test_a_long_sentence_is_spoken_as_in_a_text(run, model, tmp_path):
    """Its parts are joined without a pause, though they are longer than an utterance may be."""
    times = ("two", "three", "four", "five", "six", "seven", "ten", "eleven")
    pieces = [f" {number} times to the wide river and" for number in times]
    pieces = ["The old man went down", *pieces, " then again", " to his house", " on the hill."]
    long = "".join(pieces)
    assert len(long) > 300
    llm = write_scripted_llm(tmp_path / "llm", pieces)
    assert run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--quiet")[0] == 0
    wave, expected = audio.read("a.wav"), spoken(model, [long])
    assert wave.shape == expected.shape and np.abs(wave - expected).max() < 1e-3
    parts = [long[: long.rindex(" ", 0, 180)], long[long.rindex(" ", 0, 180) + 1 :]]
    assert len(wave) < len(spoken(model, parts)) - 0.3 * 24000


def test_after_a_part_of_the_first_sentence_the_pause_is_short(run, model, tmp_path):
    parts = ["When we look at the matter, as we should,", "from all of its sides, we see the river."]
    llm = write_scripted_llm(tmp_path / "llm", [" ".join(parts)])
    assert run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--quiet")[0] == 0
    usual = AFTER_SECONDS + BEFORE_SECONDS
    assert len(spoken(model, parts)) - len(audio.read("a.wav")) == pytest.approx(
        24000 * (usual - chat.CLAUSE_PAUSE), abs=300
    )


def test_a_model_cannot_write_our_markup(run, model, tmp_path):
    """Its brackets are not read, so that it can neither be silent for half a minute nor be refused."""
    pieces = [r"Press [pause] or \[pause", r" 30\] on `[the](/?/)` remote."]
    llm = write_scripted_llm(tmp_path / "llm", pieces)
    code, _, err = run("--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--quiet")
    assert (code, err) == (0, "")
    expected = spoken(model, ["Press pause or pause 30 on the remote."])
    assert np.abs(audio.read("a.wav") - expected).max() < 1e-3


def test_a_recording_is_read_once(run, model, tmp_path, monkeypatch):
    """However many sentences are spoken in its voice, and by whatever recognizer."""
    from nanospeech_core.voices import recording

    transcribed = []

    def transcribe(wave, path, *_):
        transcribed.append(str(path))
        return "Hello there."

    monkeypatch.setattr(recording, "transcribe", transcribe)
    noise = (
        np.random.default_rng(0).standard_normal(3 * 24000) / 10 * (1 + 0.9 * np.sin(np.arange(72000) / 1000))
    )
    audio.write(tmp_path / "me.wav", noise)
    llm = write_scripted_llm(tmp_path / "llm", ["This is the first sentence. ", "This is the second one."])
    code, _, err = run(
        "--llm", llm, "--prompt", "Well?", "--output", "a.wav", "--ref-audio", tmp_path / "me.wav"
    )
    assert code == 0 and transcribed == [str(tmp_path / "me.wav")] and err.count("words recognized in") == 1
    expected = spoken(
        model,
        ["This is the first sentence.", "This is the second one."],
        ref_audio=str(tmp_path / "me.wav"),
        ref_text="Hello there.",
    )
    assert len(audio.read("a.wav")) == len(expected)


def test_an_answer_without_words_is_reported(run, tmp_path):
    llm = write_scripted_llm(tmp_path / "llm", ["***", "…"])
    code, out, err = run("--llm", llm, "--prompt", "Well?", "--output", "a.wav")
    assert (code, out, err) == (1, "***…\n", f"{PREFIX}the answer has nothing to speak\n")
    assert os.listdir() == []


def test_a_sentence_that_cannot_be_spoken_is_left_out(run, model, tmp_path):
    pieces = ["This can be spoken.\n\n", "привет\n\n", "Привет\n\n", "This can be spoken, too."]
    llm = write_scripted_llm(tmp_path / "llm", pieces)
    code, _, err = run("--llm", llm, "--prompt", "Well?", "--output", "a.wav")
    assert code == 0 and err.count("there is nothing to speak in") == 2
    assert len(audio.read("a.wav")) == len(spoken(model, [pieces[0], pieces[3]]))


# the conversation


@pytest.fixture(scope="module")
def random_llm(tmp_path_factory) -> Path:
    return write_random_llm(tmp_path_factory.mktemp("chat") / "random")


def load(folder: Path, **settings):
    from nanospeech_mlx.chat.language_model import LanguageModel

    return LanguageModel.from_pretrained(str(folder), temperature=0, max_tokens=24, **settings)


def test_the_cache_changes_nothing(random_llm, monkeypatch):
    """Each question is answered as if the entire conversation were read again, but it is not."""
    import mlx_lm

    read = []
    generate = mlx_lm.stream_generate

    def counting(model, tokenizer, prompt, **settings):
        read.append(len(prompt))
        return generate(model, tokenizer, prompt, **settings)

    monkeypatch.setattr(mlx_lm, "stream_generate", counting)
    kept, fresh = load(random_llm, system="Be kind."), load(random_llm)
    answers = []
    for question in ("Who are you?", "And who am I?", "Why?"):
        answers.append("".join(kept.answer(question)))
        fresh.messages, fresh._cache = kept.messages[:-2], []
        assert "".join(fresh.answer(question)) == answers[-1] != ""
    assert len(set(answers)) == 3
    assert [message["role"] for message in kept.messages] == ["system", *["user", "assistant"] * 3]
    assert read[4] < read[5] / 3  # the third question alone, and with all before it


def test_what_was_written_before_an_interruption_is_remembered(random_llm):
    cut, fresh = load(random_llm), load(random_llm)
    answer = cut.answer("Who are you?")
    begun = next(answer) + next(answer) + next(answer) + next(answer)
    answer.close()
    assert cut.messages == [
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": begun.strip()},
    ]
    fresh.messages = list(cut.messages)
    assert "".join(cut.answer("Go on.")) == "".join(fresh.answer("Go on."))
    cut.answer("Never asked.").close()
    assert len(cut.messages) == 4


def test_reasoning_is_not_remembered(tmp_path):
    """Some templates begin it."""
    template = TEMPLATE.replace("<assistant>{%", "<assistant><think>{%")
    llm = load(write_scripted_llm(tmp_path / "llm", ["<think>", "Hm.", "</think>", " Well."], template))
    assert "".join(llm.answer("Why?")) == "Hm.</think> Well." and llm.reasons_at_once
    assert llm.messages[-1] == {"role": "assistant", "content": "Well."}


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def converse(run, monkeypatch):
    """A conversation at a terminal: what is typed; an exception is raised instead. At the end, Ctrl-D."""

    def main(llm: Path, typed: list, *arguments: object) -> tuple[int, str, str]:
        lines = iter([*typed, EOFError()])

        def read(prompt: str) -> str:
            line = next(lines)
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr(sys, "stdin", Terminal(io.BytesIO(b""), encoding="cp1252"))
        monkeypatch.setattr("builtins.input", read)
        return run("--llm", llm, "--output", "a.wav", *arguments)

    return main


@pytest.fixture
def short(tmp_path) -> Path:
    return write_scripted_llm(tmp_path / "short", ["This is ", "the answer."])


NO_CP1252 = UnicodeDecodeError("charmap", b"Hi \xf0\x9f\x98\x81", 6, 7, "character maps to <undefined>")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("a\x01b", "the question has a control character (U+0001); is it binary data?"),
        ("a\udcffb", "the question is not UTF-8 (it has the byte 0xFF)"),
        (
            NO_CP1252,
            "the question has the byte 0x81, which is not in the terminal's encoding cp1252: set PYTHON",
        ),
    ],
    ids=["control character", "no UTF-8", "an emoji in cp1252"],
)
def test_a_bad_question_does_not_end_the_conversation(converse, short, model, typed, sentence):
    code, out, err = converse(short, ["Well?", typed, "And?"])
    assert code == 0 and out == "This is the answer.\n" * 2 + "\n"
    assert err.splitlines()[0].startswith(PREFIX + sentence) and len(err.splitlines()) == 2
    assert len(audio.read("a.wav")) == 2 * len(spoken(model, ["This is the answer."]))


def test_an_answer_that_fails_does_not_end_the_conversation(converse, short, model, monkeypatch):
    import mlx_lm

    generate, fails = mlx_lm.stream_generate, iter([False, True, False])

    def failing(*arguments, **settings):
        for number, response in enumerate(generate(*arguments, **settings)):
            if number == 1 and next(fails):
                raise RuntimeError("[metal::malloc] Out of memory.\nMore.")
            yield response

    monkeypatch.setattr(mlx_lm, "stream_generate", failing)
    code, out, err = converse(short, ["Well?", "Hm?", "And?"])
    assert code == 0 and out.splitlines() == ["This is the answer.", "This is", "This is the answer.", ""]
    assert err.splitlines()[0] == f"{PREFIX}{short} cannot answer: [metal::malloc] Out of memory"
    assert len(audio.read("a.wav")) == 2 * len(spoken(model, ["This is the answer."]))


@pytest.mark.parametrize("end", [SystemExit(129), BrokenPipeError()], ids=["closed terminal", "closed pipe"])
def test_however_a_conversation_ends_its_speech_is_written(converse, short, model, end):
    with contextlib.suppress(SystemExit):
        converse(short, ["Well?", end])
    assert len(audio.read("a.wav")) == len(spoken(model, ["This is the answer."]))


@pytest.mark.parametrize(
    ("pieces", "sentence"),
    [
        (["\n"], "the answer is empty"),
        (["***"], "the answer has nothing to speak"),
        (["<think>", "Hm"], "the answer has only reasoning: raise --max-tokens, or leave out --think"),
    ],
)
def test_an_answer_without_speech_is_told(converse, tmp_path, pieces, sentence):
    llm = write_scripted_llm(tmp_path / "llm", pieces)
    code, _, err = converse(llm, ["Well?"])
    assert (code, err) == (0, f"{PREFIX}{sentence}\n") and os.listdir() == []


# a terminal, and a sound device that records its calls and plays ten times too slowly

SOUNDDEVICE = """
import json, time
class PortAudioError(Exception): pass
def query_devices(kind): pass
def note(call):
    with open("calls", "a") as file: print(json.dumps([time.monotonic(), call]), file=file)
class OutputStream:
    def __init__(self, rate, channels, dtype): pass
    def start(self): note("start")
    def stop(self): note("stop")
    def abort(self): note("abort")
    def write(self, block): time.sleep(0.5)
"""


def calls() -> list:
    """[seconds, call] of the sound device so far."""
    path = Path("calls")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.slow
def test_ctrl_c_ends_the_speech_and_then_the_conversation(model, llm, tmp_path):
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "sounddevice.py").write_text(SOUNDDEVICE)
    path = os.pathsep.join(
        [str(tmp_path / "stubs"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    line = [
        sys.executable,
        "-m",
        "nanospeech_mlx.chat",
        "--llm",
        llm,
        "--model",
        model,
        *TTS,
        "--speed",
        "0.25",
    ]
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        list(map(str, line)),
        stdin=end,
        stdout=end,
        stderr=end,
        env={**os.environ, "PYTHONPATH": path, "TERM": "dumb"},
        start_new_session=True,
    )
    os.close(end)
    output = b""

    def wait_for(condition) -> None:
        nonlocal output
        os.set_blocking(terminal, False)
        limit = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < limit, (output.decode(), calls())
            with contextlib.suppress(BlockingIOError, OSError):  # OSError: it has ended
                output += os.read(terminal, 65536)
            time.sleep(0.01)

    try:
        wait_for(lambda: output.endswith(b"> "))
        os.write(terminal, b"Well?\n")
        wait_for(lambda: b"item" in output and len(calls()) == 1)  # the answer is written, and being spoken
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        wait_for(lambda: output.endswith(b"> ") and len(calls()) == 2)
        ended, call = calls()[1]
        assert call == "abort" and ended - pressed < 10  # of some 200 s
        os.write(terminal, b"And?\n")
        wait_for(lambda: output.count(b"item") == 2 and len(calls()) == 3)
        process.send_signal(signal.SIGINT)
        wait_for(lambda: len(calls()) == 4 and output.endswith(b"> "))
        process.send_signal(signal.SIGINT)
        wait_for(lambda: process.poll() is not None)
        assert process.returncode == 0, output.decode()
        assert b"Traceback" not in output
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


# bad input


def fails(result: tuple[int, str, str]) -> str:
    """The one sentence of a run that fails; nothing may be left in the current folder."""
    code, out, err = result
    assert (code, out) == (1, "") and err.startswith(PREFIX) and err.count("\n") == 1, result
    assert not list(Path().glob("*.wav"))
    return err.removeprefix(PREFIX).strip()


ASK = ["--prompt", "Well?", "--output", "a.wav"]


@pytest.mark.parametrize("name", ["folder", "owner/none"])
def test_no_mlx_lm(run, llm, monkeypatch, name):
    """It is named first: to install it installs huggingface_hub, too."""
    monkeypatch.setitem(sys.modules, "mlx_lm", None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    message = fails(run("--llm", llm if name == "folder" else name, *ASK))
    assert message.startswith("a language model needs mlx-lm (") and 'pip install ".[chat]" in' in message


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("./none", "./none does not exist"),
        ("empty", "empty is not a language model that mlx-lm can load: "),
        (
            "owner/none",
            "there is no folder owner/none, it is not (completely) in the cache, and HF_HUB_OFFLINE",
        ),
    ],
)
def test_no_such_model(run, folder, name, sentence):
    (folder / "empty").mkdir()
    assert fails(run("--llm", name, *ASK)).startswith(sentence)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize("place", ["config.json", "tokenizer_config.json"])
def test_code_of_a_model_is_not_run(run, llm, folder, place):
    """Neither a network of its own nor a tokenizer of its own; nobody is asked at the terminal."""
    broken = shutil.copytree(llm, folder / "broken")
    (broken / "code.py").write_text(f"open({str(folder / 'owned')!r}, 'w')")
    if place == "config.json":
        change(broken / place, model_file="code.py")
    else:
        change(broken / place, auto_map={"AutoTokenizer": ["code.T", "code.T"]}, tokenizer_class="T")
    run("--llm", "broken", *ASK)
    assert not (folder / "owned").exists()
    if place == "config.json":
        assert fails(run("--llm", "broken", *ASK)) == (
            "broken brings its own Python code ('code.py'), which is not run"
        )


def change(path: Path, **values) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: cut(f / "model.safetensors"), "that mlx-lm can load: "),
        (lambda f: (f / "model.safetensors").unlink(), "that mlx-lm can load: No safetensors found"),
        (lambda f: (f / "config.json").write_text("{"), "that mlx-lm can load: "),
        (lambda f: change(f / "config.json", model_type="nonsense"), "Model type nonsense not supported"),
        (lambda f: cut(f / "tokenizer.json"), "that mlx-lm can load: "),
        (lambda f: change(f / "tokenizer_config.json", chat_template=None), "has no chat template"),
        (
            lambda f: change(f / "tokenizer_config.json", chat_template="{{ raise_exception('No roles.') }}"),
            "refuses the conversation: No roles",
        ),
    ],
    ids=["weights", "no weights", "config", "kind", "tokenizer", "no template", "template"],
)
def test_broken_models(run, llm, folder, damage, sentence):
    damage(shutil.copytree(llm, folder / "broken"))
    code, out, err = run("--llm", "broken", *ASK)
    assert sentence in fails((code, out.strip(), err)) and "broken" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", " \n"], "the prompt is empty"),
        ([], "the prompt is empty"),  # of standard input
        (["--prompt", "a\0b"], "the text has a control character (U+0000)"),
        (["--prompt", "Hi.", "--output", "a.xyz"], "the suffix must be one of .wav"),
        (["--prompt", "Hi.", "--voice", "none"], 'there is no voice "none"; the voices are emma, heart'),
    ],
)
def test_bad_questions_and_voices(run, llm, arguments, sentence):
    assert sentence in fails(run("--llm", llm, "--output", "a.wav", *arguments))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", "Hi."], "name a language model with --llm"),
        (["--llm", "x", "--max-tokens", "0"], "--max-tokens must be a whole number of at least 1, not 0"),
        (["--llm", "x", "--llm-temperature", "nan"], "--llm-temperature must be a number from 0 to 2"),
        (["--llm", "x", "--cfg", "nan"], "--cfg must be a number"),
        (["--llm", "x", "--text", "Hi."], "unrecognized arguments: --text"),
        (["--llm", "x", "--timestamps", "a.vtt"], "unrecognized arguments: --timestamps"),
    ],
)
def test_mistakes_in_the_arguments_exit_2(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as caught:
        chat.main(arguments)
    assert caught.value.code == 2 and sentence in capsys.readouterr().err


def test_lists_voices(run):
    assert run("--list-voices")[:2] == (0, "".join(
        f"{name:8}  {language:5}  {name}, a buzz\n"
        for name, language in (("heart", "en-us"), ("emma", "en-gb"), ("xiaoxiao", "zh"))
    ))  # fmt: skip
