"""A server that stops: in time whatever its clients do, with an end that they can tell."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

servers = pytest.importorskip("servers")

import httpx
import numpy as np

from nanospeech_core.server import listen
from nanospeech_core.server.api import transcriptions
from nanospeech_core.server.service import Service
from nanospeech_core.voices import recognition


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(listen, "GRACE", 0.3)
    monkeypatch.setattr(listen, "FAREWELL", 0.2)
    monkeypatch.setattr(listen, "STOP_SECONDS", 1.0)


@contextmanager
def stopping() -> Iterator[tuple[servers.Running, list[str]]]:
    """A server, and what it logs; it stops at the end of the block, in time."""
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())
    logging.getLogger("uvicorn.error").addHandler(handler)
    try:
        with servers.running(Service(servers.EndlessModel)) as one:
            yield one, logged
    finally:
        logging.getLogger("uvicorn.error").removeHandler(handler)


def in_thread(work) -> list:
    """The list to which the result, or the error, of work() is added by a thread."""
    results: list = []

    def run():
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    results.append(thread)
    return results


def outcome(results: list):
    results[0].join(60)
    return results[1]


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_a_stream_that_is_cut_does_not_end_as_if_it_were_complete(stream_format):
    begun = threading.Event()
    data = bytearray()
    with stopping() as (one, logged):

        def read():
            body = {"input": "On.", "response_format": "pcm", "stream_format": stream_format}
            with httpx.stream("POST", f"{one.url}/v1/audio/speech", json=body, timeout=60) as answer:
                for part in answer.iter_raw():
                    data.extend(part)
                    begun.set()

        results = in_thread(read)
        assert begun.wait(20)
    assert isinstance(outcome(results), httpx.RemoteProtocolError)
    assert b"speech.audio.done" not in data
    assert logged == []  # it is no failure
    assert [line.split()[:3] for line in one.log] == [["POST", "'/v1/audio/speech'", "200"]]


def test_a_request_without_an_answer_yet_gets_status_503():
    with stopping() as (one, logged):
        body = {"input": "On.", "response_format": "wav"}
        results = in_thread(lambda: httpx.post(f"{one.url}/v1/audio/speech", json=body, timeout=60))
        while not one.service.model.jobs:
            time.sleep(0.01)
    error = one.error(503, outcome(results))
    assert error["code"] == "server_stopping" and error["message"] == "the server is stopping"
    assert logged == []


def test_clients_that_neither_read_nor_send_are_left():
    with stopping() as (one, logged):
        host, port = one.url.removeprefix("http://").split(":")
        body = json.dumps({"input": "On.", "response_format": "pcm"}).encode()
        head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        whole = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        clients = [socket.create_connection((host, int(port))) for _ in range(3)]
        for client, data in zip(clients, [whole, whole[:-1], b""], strict=True):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.sendall(data)
        deadline = time.monotonic() + 60
        # the audio that is kept for a client is all that is generated for it: it does not read
        while not any(job.kept_seconds >= 30 for job in one.service.model.jobs):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert logged == []
    for client in clients:
        client.close()


@pytest.fixture
def slow_recognizer(monkeypatch, tmp_path):
    """A recording to upload, and two events: a recognizer has begun with it; it may go on."""
    from nanospeech_core.audio import files

    files.write(tmp_path / "a.wav", np.zeros(24000), 24000)
    begun, go_on = threading.Event(), threading.Event()

    def recognize(*_):
        begun.set()
        go_on.wait(100)
        return "Late."

    monkeypatch.setattr(recognition, "default_recognizer", lambda: "slow")
    monkeypatch.setattr(transcriptions, "_load", lambda name: recognize)
    yield {"file": ("a.wav", (tmp_path / "a.wav").read_bytes())}, begun, go_on
    go_on.set()


def test_work_in_other_threads_does_not_hold_up_the_end(slow_recognizer):
    """A recognizer may need minutes for a recording."""
    file, begun, go_on = slow_recognizer
    with stopping() as (one, logged):
        results = in_thread(lambda: httpx.post(f"{one.url}/v1/audio/transcriptions", files=file, timeout=90))
        assert begun.wait(20)
    assert not go_on.is_set() and isinstance(outcome(results), httpx.HTTPError)
    assert logged == []


def test_recordings_that_wait_for_the_recognizer_do_not_hold_up_speech(slow_recognizer, server):
    """Each of them would take one of the threads that encode."""
    file, begun, go_on = slow_recognizer
    count = listen.WORKERS + 4
    url = f"{server.url}/v1/audio/transcriptions"
    waiting = [in_thread(lambda: httpx.post(url, files=file, timeout=100)) for _ in range(count)]
    try:
        assert begun.wait(20)
        assert server.speak(input="It speaks.", response_format="mp3").status_code == 200
    finally:
        go_on.set()
    answers = [outcome(results) for results in waiting]
    said = [answer for answer in answers if answer.status_code == 200]
    assert len(said) == transcriptions.MAX_WAITING and said[0].json() == {"text": "Late."}
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert server.error(503, refused)["code"] == "server_busy" and int(refused.headers["retry-after"]) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_real_server_with_clients(number, tmp_path):
    """Ctrl-C, a container's stop, a closed terminal: an exit code, a line for each request, no traceback."""
    with servers.separate(tmp_path) as one:
        text = "Nobody has come down to breakfast yet, and the bread is getting cold. " * 40
        bodies = [{"input": text, "response_format": kind} for kind in ("pcm", "mp3", "wav")]
        begun = [threading.Event() for _ in bodies]

        def read(body, first):
            with httpx.stream("POST", f"{one.url}/v1/audio/speech", json=body, timeout=200) as answer:
                for _ in answer.iter_raw():
                    first.set()
            return answer.status_code

        results = [in_thread(lambda pair=pair: read(*pair)) for pair in zip(bodies, begun, strict=True)]
        assert all(first.wait(120) for first in begun[:2])
        one.process.send_signal(number)
        assert one.wait() == 128 + number
        streams = [outcome(result) for result in results]
        assert all(isinstance(error, httpx.RemoteProtocolError) for error in streams[:2]), streams
        assert streams[2] == 503
    lines = one.log.read_text().splitlines()
    assert all(line.startswith(("listening", "POST ")) or line.endswith("interrupted") for line in lines), (
        lines
    )
    assert sum(line.startswith("POST ") for line in lines) == 3


@pytest.mark.slow
def test_a_second_signal_ends_a_real_server_at_once(tmp_path):
    with servers.separate(tmp_path) as one:
        text = "Nobody has come down to breakfast yet, and the bread is getting cold. " * 40
        host, port = one.url.removeprefix("http://").split(":")
        body = json.dumps({"input": text, "response_format": "pcm"}).encode()
        head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        with socket.create_connection((host, int(port))) as client:  # reads its first bytes only
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert client.recv(64)
            one.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            one.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert one.wait() == 128 + signal.SIGTERM
            assert time.monotonic() - began < 4  # of the five that requests have
    said = one.log.read_text().splitlines()
    assert said[-1] == "interrupted again: the requests are cut" and len(said) == 2, said
