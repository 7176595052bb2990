"""The command on a machine where MLX cannot compile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["no g++", "no TMPDIR", "TMPDIR is a file", "TMPDIR/mlx of somebody else"])
def test_generate_speaks_without_a_compiler_and_a_temporary_folder(odd, tmp_path):
    pytest.importorskip("mlx.core")
    (tmp_path / "file").touch()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "mlx").touch()  # nothing can be made in it, by root neither
    (tmp_path / "empty").mkdir()
    places = {"no TMPDIR": "none", "TMPDIR is a file": "file", "TMPDIR/mlx of somebody else": "theirs"}
    environment = {"TMPDIR": str(tmp_path / places.get(odd, "empty"))}
    if odd == "no g++":
        environment["PATH"] = str(tmp_path / "empty")
    inherited = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "MLX_DISABLE_COMPILE")}
    line = [sys.executable, "-m", "nanospeech_mlx.generate", "--text", "Hello."]
    done = subprocess.run(
        [*line, "--output", str(tmp_path / "a.wav")],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr.count("\n") == 1, done.stderr
    assert (tmp_path / "a.wav").stat().st_size > 10_000
