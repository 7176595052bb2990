"""Shards: in order or not, damaged, streamed; every member is a recording or counted."""

import http.server
import itertools
import json
import tarfile
import threading

import corpus
import preparations
import pytest
from preparations import problems, read, read_until_damage

from nanospeech_torch.prepare.sources import pairs, shards
from nanospeech_torch.prepare.sources.inputs import (
    find_inputs,
    read_recordings,
)


@pytest.fixture
def shard(tmp_path):
    return preparations.write_shard(tmp_path / "x.tar", preparations.tones(6))


def test_shards(tmp_path, shard):
    found = read(shard)
    expected = preparations.tones(6)
    assert [(r.id, r.audio, r.meta["text"]) for r in found] == [(i, a, m["text"]) for i, a, m in expected]
    assert [r.meta["durations"] for r in found] == [m["durations"] for _, _, m in expected]
    packed = tmp_path / "y.tgz"
    with tarfile.open(packed, "w:gz") as tar, tarfile.open(shard) as plain:
        for member in plain:
            tar.addfile(member, plain.extractfile(member))
    assert read(packed) == found


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("damage", ["cut in a member", "cut between members", "header", "empty", "nonsense"])
def test_damaged_shard_gives_what_came_before(tmp_path, monkeypatch, damage, remote):
    monkeypatch.setattr(shards, "RETRY_SECONDS", 0.0)
    meta = json.dumps({"text": "x"}).ljust(512).encode()
    names = [f"{key}.{suffix}" for key in "abc" for suffix in ("wav", "json")]
    path = corpus.write_tar(tmp_path / "x.tar", [(n, meta if n.endswith("n") else b"1" * 512) for n in names])
    content = bytearray(path.read_bytes())  # two blocks a member: its header, its content
    if damage == "cut in a member":
        content = content[: 9 * 512 + 100]
    elif damage == "cut between members":
        content = content[: 8 * 512]
    elif damage == "header":
        content[8 * 512 : 9 * 512] = b"\x7f" * 512
    else:
        content = b"" if damage == "empty" else b"nonsense" * 1000
    source = path
    path.write_bytes(content)
    if remote:
        pytest.importorskip("fsspec").filesystem("memory").pipe("/damaged/x.tar", bytes(content))
        source = "memory://damaged/x.tar"
    ids, error = read_until_damage(source)
    assert ids == (["a", "b"] if "cut" in damage or damage == "header" else [])
    assert error


def test_too_large_a_file_is_not_read(tmp_path, shard, monkeypatch):
    monkeypatch.setattr(shards, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(pairs, "MAX_BYTES", 1 << 20)
    big = [("u9.wav", b"0" * ((1 << 20) + 1)), ("u9.json", b"{}"), ("v.wav", b"0"), ("v.json", b"{}")]
    path = corpus.write_tar(tmp_path / "big.tar", big)
    assert problems(read(path)) == [("u9", "an audio file over 1 MiB")]


# addresses


class Server:
    """Files over HTTP, without ranges, and perhaps broken off for a while."""

    def __init__(self, files: dict[str, bytes], broken: int = 0, after: int = 0):
        self.sent, self.requests = 0, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.answer(None)

            def do_GET(self):
                server.requests.append(self.path)
                complete = len(server.requests) > broken
                self.answer(slice(None) if complete else slice(0, after))

            def answer(self, part):
                content = files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Accept-Ranges", "none")
                self.end_headers()
                for start in range(0, len(content[part]) if part else 0, 1 << 16):
                    try:
                        self.wfile.write(content[part][start : start + (1 << 16)])
                        server.sent += 1 << 16
                    except OSError:  # the reader has enough
                        return

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *failure):
        self.server.shutdown()
        self.server.server_close()


def test_http_is_streamed(shard):
    pytest.importorskip("aiohttp")
    big = corpus.write_tar(
        shard.parent / "big.tar",
        [(f"{i}.{s}", b"{}" if s == "json" else bytes(1 << 20)) for i in range(64) for s in ("wav", "json")],
    )
    with Server({"/x.tar": shard.read_bytes(), "/big.tar": big.read_bytes()}) as server:
        assert read(f"{server.address}/x.tar") == read(shard)
        (found,) = find_inputs([f"{server.address}/big.tar"])
        first = list(itertools.islice(read_recordings(found), 2))
        assert [r.id for r in first] == ["0", "1"]
        assert server.sent < 32 << 20  # of 64 MiB


def test_a_broken_connection_is_taken_up_where_it_broke(tmp_path, monkeypatch):
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(shards, "RETRY_SECONDS", 0.0)
    utterances = [(id, audio + bytes(1 << 19), meta) for id, audio, meta in preparations.tones(6)]
    shard = preparations.write_shard(tmp_path / "x.tar", utterances)
    content = shard.read_bytes()
    with Server({"/x.tar": content}, broken=2, after=len(content) // 2) as server:
        assert read(f"{server.address}/x.tar") == read(shard)
        assert len(server.requests) == 3
    with Server({"/x.tar": content}, broken=99, after=len(content) // 2) as server:
        ids, _ = read_until_damage(f"{server.address}/x.tar")
        assert ids == ["u000", "u001", "u002"][: len(ids)] and 0 < len(ids) < 6


def test_a_missing_address_is_not_asked_for_again():
    pytest.importorskip("aiohttp")
    with Server({}) as server:
        ids, error = read_until_damage(f"{server.address}/gone.tar")
        assert ids == [] and "gone.tar" in error and len(server.requests) <= 1
