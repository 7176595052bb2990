"""What a source is: patterns, folders, addresses; all kinds are read alike, from any position on."""

import json

import preparations
import pytest
from preparations import read

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.recording import Recording, canonical
from nanospeech_torch.prepare.sources.inputs import (
    expand_braces,
    find_inputs,
    read_recordings,
)


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


@pytest.fixture
def shard(tmp_path):
    return preparations.write_shard(tmp_path / "x.tar", preparations.tones(6))


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
    assert [r.id for r in complete if isinstance(r, Recording)] == [f"u{i:03d}" for i in range(6)]
    for skip in range(1, 9):
        assert list(read_recordings(found, skip)) == complete[skip:]


def test_braces():
    assert expand_braces("a-{08..10}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar"]
    assert expand_braces("{0..1}/{1..2}") == ["0/1", "0/2", "1/1", "1/2"]
    assert expand_braces("{a,b}") == ["{a,b}"]


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


def test_patterns_folders_and_doubles(tmp_path, shard):
    for name in ("c.tar", "a.tar", "b{1..2}.tar"):
        shard.rename(tmp_path / name)
        shard = preparations.write_shard(tmp_path / "x.tar", preparations.tones(1))
    shard.unlink()
    names = [i.name for i in find_inputs([str(tmp_path / "*.tar")])]
    assert names == ["a.tar", "b{1..2}.tar", "c.tar"]
    assert [i.name for i in find_inputs([str(tmp_path), str(tmp_path / "c.tar")])] == names


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "does not exist"),
        ("*.nothing", "does not exist"),
        ("empty", "contains no metadata.csv, no .tar shards, and no .json or .txt"),
        ("song.wav", "is not a shard"),
    ],
)
def test_what_is_none_of_it(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "song.wav").touch()
    with pytest.raises(UserError, match=message):
        find_inputs([str(tmp_path / name)])
