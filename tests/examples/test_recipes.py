"""The recipes in examples/ run from end to end, as their READMEs say: `run.sh --smoke`.

Bash runs each of them. The commands of one are processes of their own, each of which imports PyTorch; those
of the others run in this process, asked for by a `python` that does nothing else.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import commands
import pytest
import runs
import soundfile

from nanospeech_core.checkpoints.folder import read_config
from nanospeech_core.voices.store import list_voices

pytest.importorskip("torch")
pytest.importorskip("accelerate")

RECIPES = sorted(path.parent.name for path in (commands.ROOT / "examples").glob("*/run.sh"))
AS_PROCESSES = "finetune"
VOICES = {"embedded": ["heart", "emma", "george", "michael", "xiaoxiao", "yunxi"]}  # the others cut one


def test_there_are_four():
    assert RECIPES == ["embedded", "finetune", "libritts-r", "ljspeech"]


ASKS = """#!{python} -IS
import json, os, socket, sys

with socket.create_connection({address}) as asked:
    asked.sendall(json.dumps([os.getcwd(), sys.argv[1:]]).encode())
    asked.shutdown(socket.SHUT_WR)
    code, out, err = json.load(asked.makefile(encoding="utf-8"))
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def run_script(recipe: str, folder: Path, served: bool) -> tuple[int, str]:
    """Exit code and output of a `run.sh --smoke`; served: its `python` is this process."""
    (folder / "bin").mkdir()
    path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    line = ["bash", str(commands.ROOT / "examples" / recipe / "run.sh"), "--smoke"]
    with socket.create_server(("127.0.0.1", 0)) as server, open(folder / "output", "w") as output:
        server.settimeout(0.1)
        if served:
            asks = folder / "bin" / "python"
            asks.write_text(ASKS.format(python=sys.executable, address=server.getsockname()))
            asks.chmod(0o755)
        environment = commands.environment({"PATH": path})
        process = subprocess.Popen(line, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            while process.poll() is None:
                serve(server)
        finally:
            process.kill()
            process.wait()
    return process.returncode, (folder / "output").read_text(encoding="utf-8")


def serve(server: socket.socket) -> None:
    """Run one command, if any is asked for soon."""
    try:
        asking, _ = server.accept()
    except TimeoutError:
        return
    with asking:
        folder, (flag, *arguments) = json.load(asking.makefile(encoding="utf-8"))
        os.chdir(folder)
        module = [] if flag == "-m" else [flag]  # or a script
        done = commands.in_this_process(*module, *arguments)
        runs.reset_accelerate()
        asking.sendall(json.dumps([done.code, done.out, done.err]).encode())


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("recipe", RECIPES)
def test_smoke(recipe: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output = run_script(recipe, tmp_path, served=recipe != AS_PROCESSES)
    assert code == 0, output
    assert "Traceback" not in output
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
