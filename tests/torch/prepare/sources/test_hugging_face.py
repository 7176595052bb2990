"""Hugging Face data sets, streamed."""

import importlib.util
import json
import sys
import types

import preparations
import pytest
from preparations import problems, read, read_until_damage

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.sources import hugging_face
from nanospeech_torch.prepare.sources.inputs import (
    find_inputs,
    read_recordings,
)


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

    def load_dataset(name, config, split, streaming, **pinned):
        assert streaming
        module.opened.append((name, config, split, *pinned.values()))
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


def test_a_dataset_may_be_pinned(fake_datasets, tmp_path):
    read("hf-dataset:owner/set@0feb3fd:clean")
    assert fake_datasets.opened == [("owner/set", "clean", "train", "0feb3fd")]
    folder = tmp_path / "me@home"
    folder.mkdir()
    read(f"hf-dataset:{folder}")
    assert fake_datasets.opened[1:] == [(str(folder), None, "train")]


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
    found = list(hugging_face.dataset_recordings(f"hf-dataset:{tmp_path}", 0))
    assert [(r.id, r.audio) for r in found] == [(id, audio) for id, audio, _ in expected]
    for recording, (_, _, meta) in zip(found, expected, strict=True):
        assert {name: recording.meta[name] for name in meta} == meta
    assert [r.id for r in hugging_face.dataset_recordings(f"hf-dataset:{tmp_path}", 2)] == ["u002"]
