"""Who may use the server; what the log says; errors outside of the endpoints."""

from __future__ import annotations

import socket

import pytest

servers = pytest.importorskip("servers")

from nanospeech_core.server.api.access import Access
from nanospeech_core.server.errors import ApiError
from nanospeech_core.server.service import Service


@pytest.fixture(scope="module")
def guarded(embedded):
    with servers.running(
        Service(lambda: embedded), api_key="secret-é", origins=("https://app.example",)
    ) as one:
        yield one


def raw(server, data: bytes) -> bytes:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(data)
        answer = b""
        while part := client.recv(65536):
            answer += part
            if b"}" in part:
                break
        return answer


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic secret-é", "secret-é", "Bearer ü"])
def test_without_the_key_nothing_is_done(guarded, header):
    headers = {} if header is None else {"Authorization": header.encode()}
    for method, path in (
        ("POST", "/v1/audio/speech"),
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
        ("GET", "/x"),
    ):
        error = guarded.error(401, guarded.client.request(method, path, headers=headers))
        assert error["type"] == "authentication_error" and error["code"] == "invalid_api_key"


def test_with_the_key_it_works_and_health_needs_none(guarded):
    key = {"Authorization": "Bearer secret-é".encode()}
    assert guarded.client.get("/v1/models", headers=key).status_code == 200
    assert guarded.client.get("/health").json() == {"status": "ok", "active_jobs": 0}


def test_keys_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    from starlette.datastructures import Headers

    with pytest.raises(ApiError):
        Access(api_key="key").check(Headers({"authorization": "Bearer kex"}), "GET", "/v1/models")
    assert compared == [(b"kex", b"key")]


def test_only_listed_origins_may_use_it(guarded):
    key = {"Authorization": "Bearer secret-é".encode()}
    error = guarded.error(
        403, guarded.client.get("/v1/models", headers={**key, "Origin": "https://evil.example"})
    )
    assert "--allow-origin" in error["message"]
    allowed = guarded.client.get("/v1/models", headers={**key, "Origin": "https://app.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in allowed.headers
    own = guarded.client.get("/v1/models", headers={**key, "Origin": guarded.url})
    assert own.status_code == 200


def test_a_browser_may_ask_first(guarded):
    asked = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = guarded.client.options("/v1/audio/speech", headers=asked)
    assert answer.status_code == 204 and "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    refused = guarded.client.options("/v1/audio/speech", headers={**asked, "Origin": "https://evil.example"})
    assert refused.status_code == 403 and "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "[::2]", "@", "["]
)
def test_a_server_of_this_machine_answers_to_its_own_names_only(server, host):
    error = server.error(403, server.client.get("/v1/models", headers={"Host": host}))
    assert "localhost" in error["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8000"])
def test_its_own_names_are_these(server, host):
    assert server.client.get("/v1/models", headers={"Host": host}).status_code == 200


def test_paths_and_methods_that_are_not_there(server):
    assert server.error(404, server.client.get("/v1/nothing"))["message"] == "there is no /v1/nothing"
    error = server.error(405, server.client.get("/v1/audio/speech"))
    assert error["message"] == "/v1/audio/speech does not take GET"


def test_a_request_is_one_line_without_its_text(server):
    before = len(server.log)
    server.speak(input="Nobody else should read this.", response_format="pcm")
    server.client.get("/v1/nothing%0Aforged 200")
    lines = server.log[before:]
    assert len(lines) == 2 and all("\n" not in line for line in lines)
    assert lines[0].startswith("POST '/v1/audio/speech' 200 ") and "read this" not in lines[0]


def test_what_is_no_http_gets_an_error_of_the_same_shape(server):
    answer = raw(server, b"HELLO\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b'"type": "invalid_request_error"' in answer
    flood = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n"
    assert b'"invalid_request_error"' in raw(server, flood)


def test_metrics_count(guarded):
    key = {"Authorization": "Bearer secret-é".encode()}
    spoken = guarded.client.post(
        "/v1/audio/speech", headers=key, json={"input": "Hi.", "response_format": "pcm"}
    )
    text = guarded.client.get("/metrics", headers=key).text
    assert 'nanospeech_requests_total{path="/v1/audio/speech",status="200"} 1.0' in text
    seconds = next(
        float(line.split()[1])
        for line in text.splitlines()
        if line.startswith("nanospeech_audio_seconds_total")
    )
    assert seconds == pytest.approx(len(spoken.content) / 48000)
    assert "nanospeech_first_audio_seconds_count 1.0" in text
