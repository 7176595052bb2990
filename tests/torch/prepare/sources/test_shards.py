"""Shards: in order or not, damaged, streamed; every member is a recording or counted."""

import http.server
import itertools
import json
import tarfile
import threading

import corpus
import numpy as np
import preparations
import pytest
from preparations import problems, read, read_all, read_until_damage, unused

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


def members(*names: str) -> list[tuple[str, bytes]]:
    """Members whose content is their name."""
    return [(n, json.dumps({"text": n}).encode() if n.endswith("json") else n.encode()) for n in names]


def pack(path, found, remote=False):
    corpus.write_tar(path, found)
    if not remote:
        return path
    pytest.importorskip("fsspec").filesystem("memory").pipe(f"/packed/{path.name}", path.read_bytes())
    return f"memory://packed/{path.name}"


@pytest.mark.parametrize("remote", [False, True])
def test_dots_in_the_names(tmp_path, remote):
    """The clips of one talk are not one key."""
    names = [f"a/talk.{i}.{suffix}" for i in range(3) for suffix in ("wav", "json")]
    found = read(pack(tmp_path / "x.tar", members(*names), remote))
    assert [(r.id, r.audio.decode(), r.meta["text"]) for r in found] == [
        (f"a/talk.{i}", f"a/talk.{i}.wav", f"a/talk.{i}.json") for i in range(3)
    ]


@pytest.mark.parametrize("remote", [False, True])
def test_names_up_to_the_first_dot(tmp_path, remote):
    names = [f"{key}.{suffix}" for key in "ab" for suffix in ("speech.wav", "meta.json", "speech.npy")]
    path = pack(tmp_path / "x.tar", members(*names), remote)
    assert [(r.id, r.file, r.meta["text"]) for r in read(path)] == [
        ("a", "a.speech.wav", "a.meta.json"),
        ("b", "b.speech.wav", "b.meta.json"),
    ]
    assert unused(path) == {".npy files among the pairs": 2}


@pytest.mark.parametrize("seed", range(20))
def test_members_in_any_order(tmp_path, seed):
    """Of a local shard, each pair is read; of a streamed one, each file is in a pair or has a reason."""
    rng = np.random.default_rng(seed)
    keys = [f"talk.{i}" for i in range(9)]
    suffix = "txt" if seed % 2 else "json"
    names = [f"{key}.{end}" for key in keys for end in ("flac", suffix)]
    names += ["alone.wav", "lonely.json", "notes.md", "._talk.1.flac"]
    rng.shuffle(names)
    path = pack(tmp_path / "x.tar", members(*names))
    found = read(path)
    assert {(r.id, r.audio.decode(), r.meta["text"]) for r in found if not r.problem} == {
        (key, f"{key}.flac", f"{key}.{suffix}") for key in keys
    }
    assert set(problems(found)) == {("alone", "no json or txt"), ("lonely", "no audio")}
    assert unused(path) == {".md files among the pairs": 1, "hidden files among the pairs": 1}
    complete = read_all(path)
    (source,) = find_inputs([str(path)])
    for skip in range(len(complete) + 2):
        assert list(read_recordings(source, skip)) == complete[skip:]
    streamed = read(pack(tmp_path / "x.tar", members(*names), remote=True))
    pairs = [r for r in streamed if not r.problem]
    assert {r.id for r in pairs} <= set(keys) and 2 * len(pairs) + len(problems(streamed)) == 20
    assert all("not next to it" in r.detail for r in streamed if r.problem)


def test_nothing_in_a_tar_is_dropped(tmp_path):
    path = tmp_path / "x.tar"
    names = ["a.wav", "a.mp3", "a.json", "b.wav", "b.txt", "b.lab", "c.wav", "c.json", "c.wav"]
    corpus.write_tar(path, members(*names))
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("d.wav")
        link.type, link.linkname = tarfile.LNKTYPE, "c.wav"
        tar.addfile(link)
    found = read(path)
    assert sorted((r.id, r.problem, r.detail) for r in found) == [
        ("a", "several audio files", "a.wav, a.mp3"),
        ("b", "several texts", "b.txt, b.lab"),
        ("c", "several audio files", "c.wav, c.wav"),
    ]
    assert unused(path) == {"links among the pairs": 1}
    corpus.write_tar(path, members("set/metadata.csv", "set/wavs/a.wav"))
    assert problems(read(path)) == [("set/wavs/a", "no json or txt")]
    (what,) = unused(path)
    assert ".csv files" in what and "unpack it" in what


def test_a_damaged_shard_in_another_order(tmp_path):
    path = pack(tmp_path / "x.tar", members("b.json", "a.json", "c.json", "a.wav", "b.wav", "c.wav"))
    path.write_bytes(path.read_bytes()[: 10 * 512 + 1])  # in c.wav
    assert read_until_damage(path)[0] == ["a", "b"]
    path.write_bytes(path.read_bytes()[: 5 * 512 + 1])
    assert read_until_damage(path)[0] == ["b", "a"]  # the names of what has no audio


@pytest.mark.parametrize("remote", [False, True])
def test_two_clips_do_not_become_one(tmp_path, remote):
    found = read(pack(tmp_path / "x.tar", members("talk.1.wav", "talk.2.json"), remote))
    assert problems(found) == [("talk.1", "no json or txt"), ("talk.2", "no audio")]


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
