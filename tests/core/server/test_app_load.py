"""Many clients at once, and requests of strangers.

For the night: `NANOSPEECH_LOAD=50x120` makes it 50 clients for 120 seconds, `NANOSPEECH_STRANGE=5000` 5,000
strange requests.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest

servers = pytest.importorskip("servers")

import httpx

from nanospeech_core.server.service import Service

TEXTS = (
    "The kettle is on.",
    "Nobody has come down to breakfast yet, and the bread is getting cold.",
    "There are two sentences here. This is the second one, and it is a little longer.",
    "你好，今天天气很好。",
)
CLIENTS, SECONDS = map(int, os.environ.get("NANOSPEECH_LOAD", "10x10").split("x"))


PLACES = CLIENTS if CLIENTS < 20 else CLIENTS * 3 // 4  # requests at a time; many clients: some are refused


@pytest.fixture(scope="module")
def loaded(embedded):
    with servers.running(Service(lambda: embedded)) as one:
        yield one


@pytest.mark.slow
def test_many_clients_are_served_alike(tmp_path):
    """No error but 503, flat memory, no client is left behind, first audio as the queue explains."""
    with servers.separate(tmp_path, "--max-requests", str(PLACES)) as one:

        def speak(number: int) -> int:
            body = {"input": TEXTS[number % len(TEXTS)]}
            return httpx.post(f"{one.url}/v1/audio/speech", json=body, timeout=300).status_code

        with ThreadPoolExecutor(
            PLACES
        ) as first_round:  # each shape of input is compiled, each thread started
            assert set(first_round.map(speak, range(2 * PLACES))) == {200}
        before = one.process.memory_info().rss
        started, stop = time.monotonic(), time.monotonic() + SECONDS
        done: list[tuple[int, float, int]] = []  # client, first audio in seconds, bytes
        refused, errors, waits = [], [], [0.0] * CLIENTS

        def client(number: int) -> None:
            rng = random.Random(number)
            arrived = time.monotonic()  # the first try of a request
            with httpx.Client(base_url=one.url, timeout=120) as http:
                while time.monotonic() < stop:
                    body = {"input": rng.choice(TEXTS), "response_format": rng.choice(["pcm", "mp3", "opus"])}
                    began, first, size = time.monotonic(), 0.0, 0
                    with http.stream("POST", "/v1/audio/speech", json=body) as answer:
                        if answer.status_code == 503:
                            refused.append(number)
                            time.sleep(int(answer.headers["retry-after"]))
                            continue
                        if answer.status_code != 200:
                            errors.append((answer.status_code, answer.read()))
                            return
                        for part in answer.iter_raw():
                            first = first or time.monotonic() - began
                            size += len(part)
                    waits[number] = max(waits[number], began - arrived)
                    arrived = time.monotonic()
                    done.append((number, first, size))
            waits[number] = max(waits[number], time.monotonic() - arrived)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS + 120)
            assert not thread.is_alive()
        seconds = time.monotonic() - started
        after = one.process.memory_info().rss
        counts = [sum(number == row[0] for row in done) for number in range(CLIENTS)]
        firsts = sorted(first for _, first, _ in done)
        print(
            f"\n{CLIENTS} clients, {SECONDS} s: {len(done)} answers, {len(refused)} refused; first audio: "
            f"median {median(firsts):.2f} s, longest {firsts[-1]:.2f} s; refused for {max(waits):.2f} s at "
            f"most; memory {before / 1e6:.0f} -> {after / 1e6:.0f} MB; answers of a client: {min(counts)} to "
            f"{max(counts)}"
        )
        assert errors == [] and len(done) >= CLIENTS and all(size > 1000 for _, _, size in done)
        assert after < before + 60e6  # the allocator keeps some of it in each thread
        # Everyone gets a share, also those who were refused and come again when they are told to.
        assert min(counts) >= max(counts) // 4
        # All that are before one need a step each, which takes as long as a request's fair share.
        share = seconds / len(done)
        assert firsts[-1] < 3 * CLIENTS * share + 2
        deadline = time.monotonic() + 10
        while one.metric("nanospeech_active_jobs") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert one.metric("nanospeech_active_jobs") == 0
    assert all(line.startswith(("listening", "POST", "GET")) for line in one.log.read_text().splitlines())


def strange_bodies(rng: random.Random) -> bytes:
    """The body of a request that nobody should send."""
    values = [
        None, True, -1, 1.5, 10**30, "", "x", "../../etc/passwd", "\x00", "\ud800", [], [1], {},
        {"id": 1}, "x" * 10_000, float("inf"), {"a": {"b": {}}}, "<speak>", "%00", "'; DROP TABLE voices; --",
    ]  # fmt: skip
    names = [
        "input", "model", "voice", "response_format", "speed", "stream_format", "instructions", "seed",
        "lang", "lexicon", "num_iter", "temperature", "use_diffusion", "timestamps", "ref_audio",
        "__class__", "",
    ]  # fmt: skip
    body = {rng.choice(names): rng.choice(values) for _ in range(rng.randint(0, 5))}
    if rng.random() < 0.5:
        body.setdefault("input", "...")
    data = json.dumps(body).encode()
    kind = rng.randrange(6)
    if kind == 0:
        data = data[: rng.randrange(len(data) + 1)]
    elif kind == 1:
        data = bytes(rng.randrange(256) for _ in range(rng.randint(0, 200)))
    elif kind == 2:
        data = b"[" * rng.randint(1, 50_000)
    elif kind == 3:
        data = data.replace(b"e", bytes([rng.randrange(256)]))
    return data


def strange_request(rng: random.Random) -> bytes:
    """Bytes that are no request, or one that should be refused."""
    paths = [
        "/v1/audio/speech", "/v1/audio/speech/timestamps", "/v1/audio/edits", "/v1/audio/voices",
        "/v1/models/../x", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/models/%00", "/",
        "/" + "a" * 3000, "*", "//x",
        "/v1/models/" + "%F0%9F%98%80" * 50, "/health/x",
    ]  # fmt: skip
    method = rng.choice(
        ["POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "X" * 500]
    )
    path, body = rng.choice(paths), strange_bodies(rng)
    types = ["application/json"] * 4 + [
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "",
    ]
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {rng.choice(types)}"]
    kind = rng.randrange(10)
    length = str(len(body))
    if kind == 0:
        length = rng.choice(["-1", "abc", "99999999999999999999", str(len(body) + 50), "1e3", "0"])
    if kind == 1:
        lines += [f"X-{number}: {'y' * rng.randint(1, 100)}" for number in range(rng.randint(100, 3000))]
    if kind == 2:
        lines.append("Transfer-Encoding: chunked")
    if kind == 3:
        lines.append("X-Bad: \x00\x01")
    if kind == 4:
        lines[1] = rng.choice(["Host: evil.example", "Host:", "Host: a\tb", "X: y"])
    if kind == 5:
        lines.append(rng.choice(["Origin: null", "Origin: http://[", "Authorization: Bearer " + "z" * 5000]))
    lines.append(f"Content-Length: {length}")
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    if kind == 6:
        data = data[: rng.randrange(1, len(data))]  # an early end
    return data


@pytest.mark.slow
def test_strange_requests_get_an_error_and_one_line(loaded, capfd):
    cases = int(os.environ.get("NANOSPEECH_STRANGE", "500"))
    host, port = loaded.url.removeprefix("http://").split(":")
    spoken = 0
    before = len(loaded.log)
    for seed in range(cases):
        data = strange_request(random.Random(seed))
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(data)
            try:
                client.shutdown(socket.SHUT_WR)
                answer = b""
                while part := client.recv(65536):
                    answer += part
            except OSError:
                continue
        if not answer:  # the client had ended its request early
            continue
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status < 400:  # after all, some of them are right
            spoken += 1
            continue
        assert 400 <= status < 500, (seed, data[:300], answer[:300])
        if not data.startswith(b"HEAD"):
            error = json.JSONDecoder().raw_decode(body.decode())[0]["error"]  # a second answer may follow
            assert (
                set(error) == {"message", "type", "param", "code"} and "Traceback" not in error["message"]
            ), seed
            assert b"/root" not in body and b"site-packages" not in body
    assert spoken < cases / 3
    assert len(loaded.log) - before <= cases
    assert all(line.count("\n") == 0 and len(line) < 300 for line in loaded.log)
    assert "Traceback" not in capfd.readouterr().err
    assert loaded.speak(input="It still works.").status_code == 200
