"""The recipes in examples/ run from end to end, as their READMEs say: `run.sh --smoke`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from nanospeech_core.checkpoint import read_config
from nanospeech_core.voices import list_voices

pytest.importorskip("torch")
pytest.importorskip("accelerate")

ROOT = Path(__file__).parents[2]
RECIPES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/run.sh"))


def test_there_are_three():
    assert RECIPES == ["finetune", "libritts-r", "ljspeech"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_smoke(recipe: str, tmp_path: Path):
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": os.pathsep.join(folders)}
    script = ROOT / "examples" / recipe / "run.sh"
    done = subprocess.run(
        ["bash", str(script), "--smoke"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    wave, rate = soundfile.read(tmp_path / "runs" / recipe / "hello.wav")
    # four steps teach neither how long a sentence is nor how loud
    assert rate == 24000 and len(wave) > rate / 10 and wave.any()
    assert (tmp_path / "runs" / recipe / "report.html").stat().st_size > 10_000
    folder = tmp_path / "runs" / recipe / "model"
    assert read_config(folder).aligner is not None
    (voice,) = list_voices(folder)
    assert voice.durations is not None and voice.seconds > 1
