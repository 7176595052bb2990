"""What the README shows is run as it stands there, with the embedded checkpoint."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def speak_commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if ".generate " in line and "--model" not in line]


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_speak_command(backend: str, tmp_path: Path) -> None:
    (command,) = speak_commands()
    command = command.replace("nanospeech_mlx", f"nanospeech_{backend}")
    done = run([sys.executable, *shlex.split(command)[1:]], tmp_path)
    assert done.returncode == 0, done.stderr
    wave, rate = soundfile.read(tmp_path / "hello.wav")
    assert rate == 24000
    assert 1.0 < len(wave) / rate < 6.0
    assert 0.02 < (wave**2).mean() ** 0.5 < 0.3  # as loud as speech


@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_python_example(backend: str, tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = run([sys.executable, "-c", code.replace("nanospeech_mlx", f"nanospeech_{backend}")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("seconds") == 2


def test_flags_exist() -> None:
    help_text = run([sys.executable, "-m", "nanospeech_mlx.generate", "--help"], ROOT).stdout
    table = [line for line in README.splitlines() if line.startswith("| `--")]
    flags = [flag for line in table for flag in re.findall(r"--[\w-]+", line.split("|")[1])]
    assert len(flags) > 8
    assert [flag for flag in flags if flag not in help_text] == []
