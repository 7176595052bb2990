"""A running server, for tests that are its clients."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

for library in ("starlette", "uvicorn", "av", "prometheus_client", "python_multipart", "httpx"):
    pytest.importorskip(library, reason="needs the extras [serve] and [test]")

import httpx
import numpy as np
import psutil

from nanospeech_core.server.api.access import LOOPBACK, Access
from nanospeech_core.server.app import create_app
from nanospeech_core.server.listen import Server
from nanospeech_core.server.service import Service
from nanospeech_core.server.sockets import address, open_socket
from nanospeech_core.speech.speech import Speech


class Running:
    """A server on a free port of this machine.

    url: of the server.
    service: behind it.
    log: the lines that it has printed.
    """

    def __init__(self, url: str, service: Service, log: list[str]):
        self.url, self.service, self.log = url, service, log
        self.client = httpx.Client(base_url=url, timeout=60)

    def speak(self, **body) -> httpx.Response:
        return self.client.post("/v1/audio/speech", json=body)

    def error(self, status: int, response: httpx.Response) -> dict:
        """The error of a response that must have that status."""
        assert response.status_code == status, response.text[:300]
        assert response.headers["content-type"] == "application/json"
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"} and "\n" not in error["message"]
        return error


def stacks() -> str:
    """What every thread of this process is doing."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "".join(
        f"\n{names.get(ident)}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()
    )


@contextmanager
def running(service: Service, **access) -> Iterator[Running]:
    """Serve until the block ends. access: fields of `Access`."""
    log: list[str] = []
    rules = Access(**{"hosts": LOOPBACK, "log": log.append, **access})
    service.start()
    with open_socket("127.0.0.1", 0) as bound:
        server = Server(create_app(service, rules), service)
        thread = threading.Thread(target=lambda: server.run(sockets=[bound]))
        thread.start()
        try:
            yield Running(address(bound), service, log)
        finally:
            server.should_exit = True
            for _ in range(60):  # seconds, of which one counts while the whole process is suspended
                thread.join(1)
            assert not thread.is_alive(), stacks()


class EndlessModel:
    """Speaks on and on, half a second of audio in each step."""

    workers = 1

    def voices(self):
        return [type("Voice", (), {"name": "heart", "language": "en-us", "description": ""})()]

    def stream(self, text):
        return iter(())

    def speak(self, text, voice, **options):
        while True:
            time.sleep(0.02)
            yield Speech(np.full(12000, 0.1, np.float32), "", 0.0, 0.5, (), ())


class Separate:
    """A server in a process of its own.

    url: of the server.
    process: its process.
    log: the file of what it prints.
    """

    def __init__(self, process: psutil.Popen, log: Path):
        self.process, self.log = process, log
        deadline = time.monotonic() + 240
        while "listening at " not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.url = log.read_text().split("listening at ")[1].split()[0]

    def metric(self, name: str) -> float:
        """A number of `/metrics`."""
        lines = httpx.get(f"{self.url}/metrics", timeout=60).text.splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])

    def wait(self) -> int:
        """The exit code, once it has ended; one that does not end within a minute is a failure."""
        for _ in range(60):  # seconds, of which one counts while this process is suspended
            try:
                return self.process.wait(1)
            except psutil.TimeoutExpired:
                continue
        raise AssertionError("the server did not stop")


@contextmanager
def separate(folder: Path, *flags: str, module: str = "nanospeech_mlx.serve") -> Iterator[Separate]:
    """`python -m nanospeech_mlx.serve` on a free port; its log is written to `folder`."""
    log = folder / "log"
    with log.open("w") as stderr:
        process = psutil.Popen([sys.executable, "-m", module, "--port", "0", *flags], stderr=stderr)
    try:
        yield Separate(process, log)
    finally:
        with suppress(psutil.NoSuchProcess):  # it has ended
            process.kill()
            process.wait()
