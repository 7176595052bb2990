"""The recipes in examples/ run from end to end, as their READMEs say: `run.sh --smoke`."""

import json
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


VOICES = {"embedded": ["heart", "emma", "george", "michael", "xiaoxiao", "yunxi"]}  # the others cut one


def test_there_are_four():
    assert RECIPES == ["embedded", "finetune", "libritts-r", "ljspeech"]


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
    voices = list_voices(folder)
    assert len(voices) == len(VOICES.get(recipe, [""]))
    assert all(voice.durations is not None and voice.seconds > 1 for voice in voices)
    if recipe == "embedded":
        assert [voice.name for voice in voices] == VOICES[recipe]
        assert [voice.language for voice in voices if voice.name in ("emma", "yunxi")] == ["en-gb", "zh"]
        assert read_config(folder).vocoder.dim == 32  # its own, not the embedded one
        for language in ("en", "zh"):
            scores = json.loads((tmp_path / "runs" / recipe / f"eval_{language}.json").read_text())
            assert [setting["count"] for setting in scores["settings"]] == [1, 1]
