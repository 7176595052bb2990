"""What the README shows is run as it stands there, with the embedded checkpoint.

The first command is a process of its own; the others run in this one, which has the frameworks imported.
"""

import contextlib
import importlib
import io
import json
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import commands
import pytest
import soundfile
from language_models import write_scripted_llm

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.cli import benchmark

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)


def run(line: str, backend: str = "mlx", process: bool = False, code: int = 0) -> commands.Done:
    """A line of the README, in the current folder, by a backend; it must end with `code`."""
    line = line.replace("nanospeech_mlx", f"nanospeech_{backend}")
    python, m, *words = shlex.split(line, comments=True)
    assert (python, m) == ("python", "-m")
    done = (commands.in_a_process if process else commands.in_this_process)(*words)
    assert done.code == code, done
    return done


def lines_with(mark: str) -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if mark in line]


def speak_command(language: str = "English") -> str:
    """The first that speaks the language."""
    return next(line for line in lines_with(".generate ") if ("你" in line) == (language == "Chinese"))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
@pytest.mark.parametrize("language", ["English", "Chinese"])
def test_speak_command(backend: str, language: str, tmp_path: Path) -> None:
    command = speak_command(language)
    run(command, backend, process=language == "English")
    arguments = shlex.split(command)
    wave, rate = soundfile.read(tmp_path / arguments[arguments.index("--output") + 1])
    assert rate == 24000
    assert 1.0 < len(wave) / rate < 6.0
    assert 0.02 < (wave**2).mean() ** 0.5 < 0.3  # as loud as speech


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_python_example(backend: str, tmp_path: Path) -> None:
    (code,) = blocks("python")
    code = code.replace("nanospeech_mlx", f"nanospeech_{backend}")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    out = printed.getvalue()
    chunks = [float(line.split()[0]) for line in out.splitlines() if line.endswith("seconds")]
    assert len(chunks) > 2 and 2 < sum(chunks) < 6
    lasts = dict(re.findall(r"text (\d) lasts ([\d.]+)", out))
    assert sorted(lasts) == ["0", "1"] and all(0.5 < float(seconds) < 3 for seconds in lasts.values())
    assert re.fullmatch(r"\[\('Wait', [\d.]+, [\d.]+\), \('for', .*\), \('me.', .*\)\]", out.splitlines()[-1])


def run_block(mark: str, backend: str) -> str:
    """The one shell block that has `mark` in it, by a backend; each line must succeed. What they print."""
    (block,) = [block for block in blocks("sh") if mark in block]
    out = ""
    for line in block.splitlines():
        if line.startswith("python "):
            out += run(line, backend).out
        else:
            done = subprocess.run(["bash", "-e", "-c", line], check=True, capture_output=True, text=True)
            out += done.stdout
    return out


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_voice_commands(backend: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    wave, rate = soundfile.read(PRETRAINED / "voices" / "emma.flac")
    soundfile.write(tmp_path / "me.wav", wave, rate)
    assert run_block(".voices add", backend).endswith('"What is said in the recording."\n')
    waves = [soundfile.read(tmp_path / name)[0] for name in ("like-me.wav", "me-too.wav")]
    assert 0.5 < len(waves[0]) / rate < 4.0
    assert abs(waves[0] - waves[1]).max() < 0.05  # the stored voice is the recording, in 16 bits


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_refine_commands(backend: str, tmp_path: Path) -> None:
    run_block("--refine", backend)
    draft, refined = (soundfile.read(tmp_path / name)[0] for name in ("draft.wav", "refined.wav"))
    assert len(draft) == len(refined) and 1.0 < len(draft) / 24000 < 6.0
    assert 0.02 < (refined**2).mean() ** 0.5 < 0.3 and (draft != refined).any()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_control_commands(backend: str, tmp_path: Path) -> None:
    run_block("--lexicon", backend)
    times = (tmp_path / "control.vtt").read_text(encoding="utf-8")
    words = ["This", "is", "Mrs.", "Nguyen", "of", "Leicester."]
    assert re.sub(r"<.*?>", "", times.splitlines()[-1]).split() == words
    wave, rate = soundfile.read(tmp_path / "control.wav")
    assert 1.5 < len(wave) / rate < 6.0


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_stream_and_batch_commands(backend: str, tmp_path: Path) -> None:
    run_block("--stream", backend)
    for name, least in (("stream.wav", 3.0), ("out/0001.wav", 0.5), ("out/0002.wav", 0.5)):
        wave, rate = soundfile.read(tmp_path / name)
        assert least < len(wave) / rate < least + 4 and 0.02 < (wave**2).mean() ** 0.5 < 0.3
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_edit_command(backend: str, tmp_path: Path) -> None:
    spoken = [speak_command(), *lines_with(".edit ")]
    assert len(spoken) == 2
    for command in spoken:
        run(command, backend)
    before, after = (
        soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("hello.wav", "edited.wav")
    )
    shared = min(len(before), len(after))
    same = int((before[:shared] != after[:shared]).argmax())
    assert 0.4 < same / 24000 < len(before) / 24000 - 0.4  # "Hello there, how" is as it was


# What measures, in place of large libraries: one hears nothing, all voices are alike.
STUBS = {
    "faster_whisper": """
class WhisperModel:
    supported_languages = ["en"]
    def __init__(self, name, **options): assert name == "small.en"
    def transcribe(self, wave, **options): return [], None
""",
    "resemblyzer": """
import numpy
preprocess_wav = numpy.array
class VoiceEncoder:
    def __init__(self, *args, **options): pass
    def embed_utterance(self, wave): return numpy.ones(4) / 2
""",
    "speechmos/__init__": "",
    "speechmos/dnsmos": "def run(wave, sr): return {'ovrl_mos': 2.5}",
    "librosa": """
import types, numpy
def pyin(wave, **options): return numpy.full(50, 200.0), numpy.full(50, True), None
feature = types.SimpleNamespace(rms=lambda **options: numpy.ones((1, 50)))
""",
}


@pytest.mark.slow
def test_evaluate_commands(tmp_path: Path, monkeypatch) -> None:
    for name, code in STUBS.items():
        path = tmp_path / "stubs" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
    (row,) = [json.loads(block) for block in blocks("json")]
    rows = [row, {"id": "second", "text": "Hello there."}]
    (tmp_path / "eval.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "my-voice").symlink_to(PRETRAINED)
    (tmp_path / "recordings").mkdir()
    for name in ("canoe", "second"):
        shutil.copy(PRETRAINED / "voices" / "heart.flac", tmp_path / "recordings" / f"{name}.flac")

    lines = lines_with(".evaluate ")
    assert len(lines) == 3
    monkeypatch.syspath_prepend(tmp_path / "stubs")
    with commands.set_aside(*(name.split("/")[0] for name in STUBS)):
        outputs = [run(line).out for line in lines]
    tables = [[re.split(r"  +", row) for row in out.splitlines()] for out in outputs]
    both, settings, people = tables
    assert [row[0] for row in both] == ["setting", "masked", "ode"]
    assert both[1][1:4] == ["2", "100.0 (100.0 to 100.0)", "2.50"]
    assert [row[0] for row in settings[1:]] == [
        "masked:num_iter=4",
        "ode:steps=8,method=midpoint",
        "(reference)",
    ]
    assert settings[0][2] == "similarity" and settings[1][2] == "1.000"
    assert [row[0] for row in people] == ["setting", "recordings"]
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert [u["id"] for u in scores["settings"][0]["utterances"]] == ["canoe", "second"]


PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_quantize_commands(tmp_path: Path) -> None:
    lines = lines_with("nanospeech-8bit")
    assert [line.split()[2] for line in lines] == ["convert", "nanospeech_mlx.generate"]
    for line in lines:
        run(line, "torch")
    wave, rate = soundfile.read(tmp_path / "small.wav")
    assert 0.4 < len(wave) / rate < 3 and 0.02 < (wave**2).mean() ** 0.5 < 0.3


@pytest.mark.parametrize("text", [README, PERFORMANCE], ids=["README.md", "docs/performance.md"])
def test_benchmark_commands_are_understood(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take minutes: here, their flags are read and nothing is run."""
    asked = []
    monkeypatch.setattr(benchmark, "benchmark", lambda _, config, quiet: asked.append(config))
    monkeypatch.setattr(benchmark, "benchmark_table", lambda report: "")
    lines = [shlex.split(line) for line in re.findall(r"python -m nanospeech_\w+\.benchmark[^`\n]*", text)]
    for _, _, module, *flags in lines:
        assert importlib.import_module(module).main(flags) == 0
    assert len(asked) == len(lines) >= 2
    assert any(config.json for config in asked)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("mlx_lm"), reason="mlx-lm is not installed")
def test_chat_commands(tmp_path: Path) -> None:
    interactive, question = lines_with(".chat ")
    name = shlex.split(interactive)[shlex.split(interactive).index("--llm") + 1]
    write_scripted_llm(tmp_path / name, ["It **scat", "ters** more of the blue", " light."])
    assert run(question).out == "It **scatters** more of the blue light.\n"
    wave, rate = soundfile.read(tmp_path / "answer.wav")
    assert 1.0 < len(wave) / rate < 4.0 and 0.02 < (wave**2).mean() ** 0.5 < 0.3
    done = run(interactive, code=1)  # its standard input is empty, and no terminal
    assert done.out == "" and "the prompt is empty" in done.err


def test_flags_exist() -> None:
    help_text = run("python -m nanospeech_mlx.generate --help").out
    table = [line for line in README.splitlines() if line.startswith("| `--")]
    flags = [flag for line in table for flag in re.findall(r"--[\w-]+", line.split("|")[1])]
    assert len(flags) > 8
    assert [flag for flag in flags if flag not in help_text] == []
