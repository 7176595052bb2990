"""docs/serve.md: the client commands of the page, against a server."""

import shutil
import subprocess

import pages
import pytest
from backends import Backend

servers = pytest.importorskip("servers")

from nanospeech_core.server.service import Service

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server():
    load = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained
    with servers.running(Service(load)) as one:
        yield one


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = pages.block("docs/serve.md", "curl ").code
    assert ADDRESS in code
    subprocess.run(["bash", "-e", "-c", code.replace(ADDRESS, server.url)], check=True, capture_output=True)
    assert (tmp_path / "hello.mp3").read_bytes()[:2] in (b"\xff\xf3", b"\xff\xfb")


def test_the_client_of_openai(server):
    pytest.importorskip("openai", reason="needs the extra [test]")
    code = pages.block("docs/serve.md", "from openai").code
    assert ADDRESS in code
    parts = []
    code = code.replace(ADDRESS, server.url).replace("        ...", "        parts.append(part)")
    exec(compile(code, "docs/serve.md", "exec"), {"parts": parts})  # our own page
    assert 48000 * 0.5 < len(b"".join(parts)) < 48000 * 3
