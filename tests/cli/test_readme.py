"""What the README shows is run as it stands there, with the embedded checkpoint."""

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import soundfile
from language_models import write_scripted_llm

from nanospeech_core import benchmark
from nanospeech_core.checkpoint import PRETRAINED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
    )


def speak_command(language: str = "English") -> str:
    """The first that speaks the language."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if ".generate " in line]
    return next(line for line in lines if ("你" in line) == (language == "Chinese"))


@pytest.mark.parametrize("backend", ["mlx", "torch"])
@pytest.mark.parametrize("language", ["English", "Chinese"])
def test_speak_command(backend: str, language: str, tmp_path: Path) -> None:
    arguments = shlex.split(speak_command(language).replace("nanospeech_mlx", f"nanospeech_{backend}"))
    done = run([sys.executable, *arguments[1:]], tmp_path)
    assert done.returncode == 0, done.stderr
    wave, rate = soundfile.read(tmp_path / arguments[arguments.index("--output") + 1])
    assert rate == 24000
    assert 1.0 < len(wave) / rate < 6.0
    assert 0.02 < (wave**2).mean() ** 0.5 < 0.3  # as loud as speech


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_python_example(backend: str, tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = run([sys.executable, "-c", code.replace("nanospeech_mlx", f"nanospeech_{backend}")], tmp_path)
    assert done.returncode == 0, done.stderr
    chunks = [float(line.split()[0]) for line in done.stdout.splitlines() if line.endswith("seconds")]
    assert len(chunks) > 2 and 2 < sum(chunks) < 6
    lasts = dict(re.findall(r"text (\d) lasts ([\d.]+)", done.stdout))
    assert sorted(lasts) == ["0", "1"] and all(0.5 < float(seconds) < 3 for seconds in lasts.values())
    assert re.fullmatch(
        r"\[\('Wait', [\d.]+, [\d.]+\), \('for', .*\), \('me.', .*\)\]", done.stdout.splitlines()[-1]
    )


def run_block(mark: str, backend: str, folder: Path) -> subprocess.CompletedProcess:
    """The one shell block that has `mark` in it, by a backend; it must succeed."""
    (block,) = [block for block in blocks("sh") if mark in block]
    script = block.replace("nanospeech_mlx", f"nanospeech_{backend}").replace("python", sys.executable)
    done = run(["bash", "-e", "-c", script], folder)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_voice_commands(backend: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "data"))
    wave, rate = soundfile.read(PRETRAINED / "voices" / "emma.flac")
    soundfile.write(tmp_path / "me.wav", wave, rate)
    done = run_block(".voices add", backend, tmp_path)
    assert done.stdout.endswith('"What is said in the recording."\n')
    waves = [soundfile.read(tmp_path / name)[0] for name in ("like-me.wav", "me-too.wav")]
    assert 0.5 < len(waves[0]) / rate < 4.0
    assert abs(waves[0] - waves[1]).max() < 0.05  # the stored voice is the recording, in 16 bits


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_refine_commands(backend: str, tmp_path: Path) -> None:
    run_block("--refine", backend, tmp_path)
    draft, refined = (soundfile.read(tmp_path / name)[0] for name in ("draft.wav", "refined.wav"))
    assert len(draft) == len(refined) and 1.0 < len(draft) / 24000 < 6.0
    assert 0.02 < (refined**2).mean() ** 0.5 < 0.3 and (draft != refined).any()


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_control_commands(backend: str, tmp_path: Path) -> None:
    run_block("--lexicon", backend, tmp_path)
    times = (tmp_path / "control.vtt").read_text(encoding="utf-8")
    words = ["This", "is", "Mrs.", "Nguyen", "of", "Leicester."]
    assert re.sub(r"<.*?>", "", times.splitlines()[-1]).split() == words
    wave, rate = soundfile.read(tmp_path / "control.wav")
    assert 1.5 < len(wave) / rate < 6.0


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_stream_and_batch_commands(backend: str, tmp_path: Path) -> None:
    run_block("--stream", backend, tmp_path)
    for name, least in (("stream.wav", 3.0), ("out/0001.wav", 0.5), ("out/0002.wav", 0.5)):
        wave, rate = soundfile.read(tmp_path / name)
        assert least < len(wave) / rate < least + 4 and 0.02 < (wave**2).mean() ** 0.5 < 0.3
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_edit_command(backend: str, tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if ".edit " in line]
    spoken = [speak_command(), *lines]
    assert len(spoken) == 2
    for command in spoken:
        command = command.replace("nanospeech_mlx", f"nanospeech_{backend}")
        done = run([sys.executable, *shlex.split(command)[1:]], tmp_path)
        assert done.returncode == 0, done.stderr
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


def test_evaluate_commands(tmp_path: Path) -> None:
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

    lines = [line for block in blocks("sh") for line in block.splitlines() if ".evaluate " in line]
    assert len(lines) == 3
    tables = []
    for line in lines:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "stubs"), str(ROOT)])}
        command = [sys.executable, *shlex.split(line, comments=True)[1:]]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        tables.append([re.split(r"  +", row) for row in done.stdout.splitlines()])
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


def test_quantize_commands(tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if "nanospeech-8bit" in line]
    assert [line.split()[2] for line in lines] == ["convert", "nanospeech_mlx.generate"]
    for line in lines:
        done = run(
            [sys.executable, *shlex.split(line.replace("nanospeech_mlx", "nanospeech_torch"))[1:]], tmp_path
        )
        assert done.returncode == 0, done.stderr
    wave, rate = soundfile.read(tmp_path / "small.wav")
    assert 0.4 < len(wave) / rate < 3 and 0.02 < (wave**2).mean() ** 0.5 < 0.3


@pytest.mark.parametrize("text", [README, PERFORMANCE], ids=["README.md", "docs/performance.md"])
def test_benchmark_commands_are_understood(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take minutes: here, their flags are read and nothing is run."""
    asked = []
    monkeypatch.setattr(benchmark, "_benchmark", lambda _, args: asked.append(args))
    lines = [shlex.split(line) for line in re.findall(r"python -m nanospeech_\w+\.benchmark[^`\n]*", text)]
    for _, _, module, *flags in lines:
        assert importlib.import_module(module).main(flags) == 0
    assert len(asked) == len(lines) >= 2
    assert any(args.json for args in asked)


@pytest.mark.skipif(not find_spec("mlx_lm"), reason="mlx-lm is not installed")
def test_chat_commands(tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if ".chat " in line]
    interactive, question = ([sys.executable, *shlex.split(line)[1:]] for line in lines)
    name = interactive[interactive.index("--llm") + 1]
    write_scripted_llm(tmp_path / name, ["It **scat", "ters** more of the blue", " light."])
    done = run(question, tmp_path)
    assert (done.returncode, done.stdout) == (0, "It **scatters** more of the blue light.\n"), done.stderr
    wave, rate = soundfile.read(tmp_path / "answer.wav")
    assert 1.0 < len(wave) / rate < 4.0 and 0.02 < (wave**2).mean() ** 0.5 < 0.3
    done = run(interactive, tmp_path)  # its standard input is empty, and no terminal
    assert (done.returncode, done.stdout) == (1, "") and "the prompt is empty" in done.stderr


def test_flags_exist() -> None:
    help_text = run([sys.executable, "-m", "nanospeech_mlx.generate", "--help"], ROOT).stdout
    table = [line for line in README.splitlines() if line.startswith("| `--")]
    flags = [flag for line in table for flag in re.findall(r"--[\w-]+", line.split("|")[1])]
    assert len(flags) > 8
    assert [flag for flag in flags if flag not in help_text] == []
