"""What recordings can come from: all are read alike, from any position on; what is broken is reported."""

import http.server
import importlib.util
import itertools
import json
import sys
import tarfile
import threading
import types

import corpus
import preparations
import pytest
from preparations import problems, read, read_until_damage

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare import lists, streams
from nanospeech_torch.prepare.recording import canonical
from nanospeech_torch.prepare.sources import count_recordings, expand_braces, find_inputs, read_recordings

# names


def test_fields_by_any_name():
    meta = {"text_normalized": "ten", "text": "10", "speaker_id": 0, "locale": "en_GB", "gender": "x"}
    assert canonical(meta) == {"text": "ten", "voice": "0", "lang": "en_GB"}
    assert canonical({"text": "10", "normalized": " ", "voice": None}) == {
        "text": "10",
        "voice": "",
        "lang": "",
    }
    kept = {"phonemes": "a", "durations": [1, 2, 3], "duration_unit": 256, "source": "s"}
    assert canonical({**kept, "text": ["no text"], "samples": 5}) == {
        **kept, "text": "", "voice": "", "lang": "",
    }  # fmt: skip


# folders and shards


def test_folder_of_pairs(tmp_path):
    for name, content in {
        **{"x.1.flac": "x1", "x.1.json": '{"text": "one"}', "x.2.json": "{}", "y.wav": "", "z.wav": ""},
        **{"z.json": "[1]", "notes.txt": "", ".hidden.json": "{}", "m.m4a": "", "m.json": "{}"},
    }.items():
        (tmp_path / name).write_text(content)
    found = read(tmp_path)
    assert [r.id for r in found] == ["m", "x.1", "x.2", "y", "z"]
    assert problems(found) == [("x.2", "no audio"), ("y", "no json"), ("z", "broken json")]
    assert found[0].meta["suffix"] == ".m4a" and found[1].audio == str(tmp_path / "x.1.flac")
    assert count_recordings(*find_inputs([str(tmp_path)])) == 4


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


SOURCES = ["shard", "remote", "pairs", "table", "list"]


@pytest.mark.parametrize("kind", SOURCES)
def test_reading_from_any_place_on_is_the_rest_of_reading_all(tmp_path, shard, kind):
    source = shard
    if kind == "remote":
        fsspec = pytest.importorskip("fsspec")
        fsspec.filesystem("memory").pipe("/skip/x.tar", shard.read_bytes())
        source = "memory://skip/x.tar"
    elif kind != "shard":
        source = tmp_path / "folder"
        source.mkdir()
        rows, lines = [], []
        for id, audio, meta in preparations.tones(6):
            (source / f"{id}.wav").write_bytes(audio)
            if kind == "pairs":
                (source / f"{id}.json").write_text(json.dumps(meta))
            rows.append(f"{id}|{meta['text']}\n")
            lines.append(json.dumps({"audio": f"{id}.wav", **meta}) + "\n")
        if kind == "table":
            (source / "metadata.csv").write_text("".join(rows))
        if kind == "list":
            source = source / "list.jsonl"
            source.write_text("".join(lines))
    (found,) = find_inputs([str(source)])
    complete = list(read_recordings(found))
    assert [r.id for r in complete] == [f"u{i:03d}" for i in range(6)]
    for skip in range(1, 8):
        assert list(read_recordings(found, skip)) == complete[skip:]


@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("damage", ["cut in a member", "cut between members", "header", "empty", "nonsense"])
def test_damaged_shard_gives_what_came_before(tmp_path, monkeypatch, damage, remote):
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0.0)
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
    monkeypatch.setattr(streams, "MAX_BYTES", 1 << 20)
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
    monkeypatch.setattr(streams, "RETRY_SECONDS", 0.0)
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


def test_patterns_of_addresses(shard):
    memory = pytest.importorskip("fsspec").filesystem("memory")
    for name in ("b", "a", "c"):
        memory.pipe(f"/many/{name}.tar", shard.read_bytes())
    assert [i.name for i in find_inputs(["memory://many/*.tar"])] == ["a.tar", "b.tar", "c.tar"]
    assert [i.name for i in find_inputs(["memory://many/{1..2}.tar"])] == ["1.tar", "2.tar"]
    with pytest.raises(UserError, match="memory://none/.* does not exist"):
        find_inputs(["memory://none/*.tar"])


def test_unknown_protocols_and_missing_libraries():
    pytest.importorskip("fsspec")
    for address in ("nosuch://a/x.tar", "nosuch://a/*.tar"):
        with pytest.raises(UserError, match="cannot read nosuch://a/"):
            read(address)


def test_braces():
    assert expand_braces("a-{08..10}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar"]
    assert expand_braces("{0..1}/{1..2}") == ["0/1", "0/2", "1/1", "1/2"]
    assert expand_braces("{a,b}") == ["{a,b}"]


# what is what


def test_patterns_folders_and_doubles(tmp_path, shard):
    for name in ("c.tar", "a.tar", "b{1..2}.tar"):
        shard.rename(tmp_path / name)
        shard = preparations.write_shard(tmp_path / "x.tar", preparations.tones(1))
    shard.unlink()
    names = [i.name for i in find_inputs([str(tmp_path / "*.tar")])]
    assert names == ["a.tar", "b{1..2}.tar", "c.tar"]
    assert [i.name for i in find_inputs([str(tmp_path), str(tmp_path / "c.tar")])] == names
    assert [i.size for i in find_inputs([str(tmp_path)])] == [
        (tmp_path / name).stat().st_size for name in names
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "does not exist"),
        ("*.nothing", "does not exist"),
        ("empty", "contains no metadata.csv, no .tar shards, and no .json"),
        ("song.wav", "is not a shard"),
    ],
)
def test_what_is_none_of_it(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "song.wav").touch()
    with pytest.raises(UserError, match=message):
        find_inputs([str(tmp_path / name)])


# Hugging Face data sets


class FakeData:
    """The part of datasets.IterableDataset that is used."""

    def __init__(self, rows, features):
        self.rows, self.features, self.decoded = rows, features, True

    def cast_column(self, name, feature):
        assert name == "sound" and feature.decode is False
        result = FakeData(self.rows, self.features)
        result.decoded = False
        return result

    def skip(self, count):
        return FakeData(self.rows[count:], None)

    def __iter__(self):
        for row in self.rows:
            if row is None:
                raise ConnectionError("the line\nwent dead")
            yield row


@pytest.fixture
def fake_datasets(monkeypatch):
    module = types.ModuleType("datasets")

    class Audio:
        def __init__(self, decode=True):
            self.decode = decode

    sound = [{"bytes": b"1", "path": "a/first.mp3"}, {"bytes": None, "path": "/data/x.wav"}, None]
    rows = [{"sound": s, "sentence": f"s{i}", "client_id": 7} for i, s in enumerate(sound)]
    module.Audio, module.opened = Audio, []

    def load_dataset(name, config, split, streaming):
        assert streaming
        module.opened.append((name, config, split))
        if name == "gone":
            raise FileNotFoundError("no such\ndata set")
        features = {"sentence": None} if name == "texts" else {"sentence": None, "sound": Audio()}
        return FakeData([*rows, None] if name == "breaks" else rows, features)

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def test_dataset_rows(fake_datasets):
    found = read("hf-dataset:owner/set:clean:test")
    assert fake_datasets.opened == [("owner/set", "clean", "test")]
    assert [(r.id, r.audio, r.meta.get("text"), r.meta.get("voice")) for r in found[:2]] == [
        ("first", b"1", "s0", "7"),
        ("x", "/data/x.wav", "s1", "7"),
    ]
    assert problems(found) == [("test-00000002", "no audio")]
    (source,) = find_inputs(["hf-dataset:owner/set"])
    assert list(read_recordings(source, 1))[0].id == "x" and source.name == "owner/set"
    assert fake_datasets.opened[1:] == [("owner/set", None, "train")]


def test_dataset_errors(fake_datasets, monkeypatch):
    with pytest.raises(UserError, match="cannot open hf-dataset:gone: no such data set"):
        read("hf-dataset:gone")
    with pytest.raises(UserError, match="has no column of audio, only sentence"):
        read("hf-dataset:texts")
    ids, error = read_until_damage("hf-dataset:breaks")
    assert len(ids) == 3 and error == "the line went dead"
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match="pip install datasets"):
        read("hf-dataset:any")


@pytest.mark.skipif(not importlib.util.find_spec("datasets"), reason="needs the library datasets")
def test_the_real_library(tmp_path_factory, monkeypatch):
    tmp_path = tmp_path_factory.mktemp("library")  # it takes "test" in a path for the name of a split
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    expected = preparations.tones(3)
    rows = [{"audio": {"bytes": audio, "path": f"{id}.wav"}, **meta} for id, audio, meta in expected]
    features = {"audio": {"_type": "Audio"}, "voice": {"dtype": "string", "_type": "Value"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in ("text", "phonemes")}
    features["durations"] = {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "Sequence"}
    table = pa.Table.from_pylist(rows)
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, tmp_path / "train.parquet")
    found = list(lists.dataset_recordings(f"hf-dataset:{tmp_path}", 0))
    assert [(r.id, r.audio) for r in found] == [(id, audio) for id, audio, _ in expected]
    for recording, (_, _, meta) in zip(found, expected, strict=True):
        assert {name: recording.meta[name] for name in meta} == meta
    assert [r.id for r in lists.dataset_recordings(f"hf-dataset:{tmp_path}", 2)] == ["u002"]
