"""tools/gpu_check.sh: what it would run exists; it goes on after a step that fails, and says which."""

import os
import re
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from nanospeech_torch.training.tasks import load_config

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "gpu_check.sh"
STUB = """#!/bin/sh
printf '%s\\037' "$@" >> "$LOG"; printf '\\n' >> "$LOG"
case "$*" in *"$FAILS"*) exit 3;; esac
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Run the script with a Python that only notes what it was asked for."""
    for name in ("python", "nvidia-smi"):
        path = tmp_path / name
        path.write_text(STUB)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(*flags: str, fails: str = "nothing fails"):
        log = tmp_path / "calls"
        log.unlink(missing_ok=True)
        env = {
            **os.environ, "PYTHON": str(tmp_path / "python"), "LOG": str(log), "FAILS": fails,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
        }  # fmt: skip
        done = subprocess.run(
            [SCRIPT, *flags, tmp_path / "out"], env=env, capture_output=True, text=True, timeout=60
        )
        calls = [line.split("\037")[:-1] for line in log.read_text().splitlines()] if log.exists() else []
        return done, calls

    return run


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_every_command_exists(check, flags):
    done, calls = check(*flags)
    assert done.returncode == 0, done.stdout + done.stderr
    modules = [call[1] for call in calls if call[0] == "-m"]
    assert {
        "nanospeech_torch.training.speed",
        "nanospeech_torch.benchmark",
        "nanospeech_mlx.benchmark",
    } < set(modules)
    assert all(find_spec(module) for module in modules)
    for call in calls:
        if call[:2] == ["-m", "nanospeech_torch.training.speed"]:
            settings = [word for word in call[3:] if "=" in word]
            config = load_config(str(ROOT / call[2]), settings)
            assert settings and config.engine.precision == "bf16"


def test_a_step_that_fails_does_not_stop_the_others(check):
    done, calls = check(fails="82m")
    assert done.returncode == 1
    assert "failed: train-82m (exit 3 after 0 s)" in done.stdout and done.stdout.count("failed") == 1
    assert ["-m", "nanospeech_torch.benchmark"] in [call[:2] for call in calls]


def test_wheels_are_installed_aside(check, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "mlx.whl").touch()
    done, calls = check("--wheels", str(wheels))
    assert done.returncode == 0 and calls[0][:4] == ["-m", "pip", "install", "-q"]
    assert calls[0][-1] == str(wheels / "mlx.whl") and "--no-index" in calls[0]


def test_an_unknown_option(check):
    done, calls = check("--fast")
    assert (done.returncode, done.stderr, calls) == (2, "gpu_check.sh: unknown option --fast\n", [])


def test_eight_minutes():
    text = SCRIPT.read_text("utf-8")
    limits = [int(seconds) for seconds in re.findall(r"^.*\bstep (\d+) [\w-]+ ", text, re.M)]
    assert len(limits) >= 9 and sum(limits[:-9]) <= 120 and sum(limits[-9:]) <= 480  # wheels come first
