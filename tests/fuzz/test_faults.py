"""Commands killed at random moments, a folder that cannot be written: no reader sees a damaged file."""

import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import soundfile
from checkpoints import make_voice
from commands import ROOT, environment, start_of

from nanospeech_core.audio import files
from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.voices.store import list_voices, user_folder

KILLS = int(os.environ.get("NANOSPEECH_FUZZ_KILLS", 3))  # of each command; a night: 50


def run_and_kill(command: list[str], env: dict[str, str], seconds: float) -> int:
    """The exit code of a command that is killed after some seconds; -9 if it had not ended."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def kill_often(command: list[str], check, env: dict[str, str] | None = None) -> None:
    """Run a command to its end, then again and again, killed at random moments; check after each."""
    env = env or {}
    started = time.monotonic()
    assert run_and_kill(command, env, 120) == 0
    duration = time.monotonic() - started
    check()
    generator = random.Random(0)
    for _ in range(KILLS):
        code = run_and_kill(command, env, generator.uniform(0.3, 1.1) * duration)
        assert code in (0, -signal.SIGKILL)
        check()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_generate_is_killed(model, tmp_path, suffix):
    output = tmp_path / f"out.{suffix}"
    whole = []

    def check():
        wave, rate = soundfile.read(output)
        whole.append(len(wave))
        assert rate == 24000 and np.isfinite(wave).all() and len(set(whole)) == 1

    command = start_of("nanospeech_torch.generate")
    kill_often([*command, "--model", str(model), "--text", "Hello there.", "--output", str(output)], check)


@pytest.mark.slow
def test_a_voice_is_added_while_killed(tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv("NANOSPEECH_DATA", str(data))
    recording = tmp_path / "me.wav"
    files.write(recording, make_voice("me", "en-us", "Hello.", "həlˈoʊ").audio)

    def check():
        for voice in list_voices(user_folder()):
            assert voice.name == "me" and len(voice.audio) > 24000 and voice.phonemes

    command = start_of("nanospeech_torch.voices")
    arguments = ["add", "me", str(recording), "Hello there, it is me.", "--replace"]
    kill_often([*command, *arguments], check, {"NANOSPEECH_DATA": str(data)})


@pytest.mark.slow
def test_convert_is_killed(model, tmp_path):
    output = tmp_path / "converted"

    def check():
        if output.exists():
            config, weights = load_folder(output, "mlx")
            assert config.name == "tiny" and all(np.isfinite(array).all() for array in weights.values())
            shutil.rmtree(output)

    kill_often([*start_of("convert"), "torch2mlx", str(model), "-o", str(output)], check)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(model, tmp_path):
    tmp_path.chmod(0o500)
    command = [*start_of("nanospeech_torch.generate"), "--model", str(model), "--text", "Hi."]
    done = subprocess.run([*command, "--output", str(tmp_path / "a.wav")], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not list(tmp_path.iterdir())
