"""examples/apps: the clients run against a server; the snippets for other apps are read."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys

import commands
import pytest
from backends import Backend

APPS = commands.ROOT / "examples" / "apps"
RUN = ["openai_client.py", "curl.sh", "fetch.mjs"]
NOT_RUN = {
    "livekit_tts.py": "needs LiveKit; test_speech_clients.py sends what its client sends",
    "pipecat_tts.py": "needs Pipecat; likewise",
    "open-webui.env": "needs Open WebUI; likewise",
    "README.md": "settings only",
}


@pytest.fixture(scope="module")
def server():
    servers = pytest.importorskip("servers")
    from nanospeech_core.server.service import Service

    load = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained
    with servers.running(Service(load)) as one:
        yield one


def test_every_file_is_run_or_has_a_reason():
    assert sorted(path.name for path in APPS.iterdir() if path.is_file()) == sorted([*RUN, *NOT_RUN])


def run(line: list[str], folder, server) -> None:
    environment = {**os.environ, "OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "none"}
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def seconds(path) -> float:
    import av

    with av.open(str(path)) as file:
        return sum(frame.samples / frame.sample_rate for frame in file.decode(file.streams.audio[0]))


@pytest.mark.slow
def test_python(server, tmp_path):
    pytest.importorskip("openai", reason="needs the extra [test]")
    run([sys.executable, str(APPS / "openai_client.py")], tmp_path, server)
    assert 0.7 < seconds(tmp_path / "python.wav") < 3


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(server, tmp_path):
    run(["bash", str(APPS / "curl.sh")], tmp_path, server)
    assert 0.7 < seconds(tmp_path / "curl.mp3") < 3
    assert "curl." in json.dumps(json.loads((tmp_path / "curl.json").read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_javascript(server, tmp_path):
    run(["node", str(APPS / "fetch.mjs")], tmp_path, server)
    assert 0.7 < seconds(tmp_path / "fetch.mp3") < 3


def test_snippets_name_voices_that_the_server_has():
    from nanospeech_core.server.voices import ALIASES

    known = {*ALIASES, "heart", "emma", "george", "michael"}
    for name in ("livekit_tts.py", "pipecat_tts.py"):
        tree = ast.parse((APPS / name).read_text(encoding="utf-8"))
        keywords = {
            k.arg: k.value for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords
        }
        assert keywords["voice"].value in ALIASES
        assert keywords["base_url"].value == "http://127.0.0.1:8000/v1"
    settings = (APPS / "open-webui.env").read_text(encoding="utf-8")
    assert re.search(r"^AUDIO_TTS_VOICE=(.*)$", settings, re.MULTILINE)[1] in known
