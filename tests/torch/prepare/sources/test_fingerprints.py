"""A second run notices whatever has changed in the sources, and nothing else."""

import os

import pytest

from nanospeech_torch.prepare.sources.fingerprints import fingerprints
from nanospeech_torch.prepare.sources.inputs import find_inputs


@pytest.fixture
def sources(clips):
    """A table, a list, pairs and a shard of one clip each."""
    (clips / "t.csv").write_text("c00.wav|Hello.\n")
    (clips / "l.jsonl").write_text('{"audio": "c01.wav", "text": "Hello."}\n')
    (clips / "pairs").mkdir()
    (clips / "pairs" / "p.wav").write_bytes(b"1")
    (clips / "pairs" / "p.txt").write_text("Hello.")
    (clips / "s.tar").write_bytes(b"1")
    return clips


def contents(sources, earlier=()) -> list[str]:
    names = ("t.csv", "l.jsonl", "pairs", "s.tar")
    inputs = find_inputs([str(sources / name) for name in names])
    return [entry["content"] for entry in fingerprints(inputs, (), list(earlier))]


CHANGES = {
    "c00.wav": 0,
    "t.csv": 0,
    "c01.wav": 1,
    "l.jsonl": 1,
    "pairs/p.wav": 2,
    "pairs/p.txt": 2,
    "s.tar": 3,
}


@pytest.mark.parametrize("name", [*CHANGES, "c39.wav"])
def test_changes_at_the_same_size_and_time(sources, name):
    before = contents(sources)
    assert all(before) and len(set(before)) == 4 and contents(sources) == before
    path = sources / name
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Hallo").replace(b"1", b"2").replace(b"0", b"3"))
    if CHANGES.get(name) in (0, 1) and path.suffix != ".wav":
        path.write_bytes(path.read_bytes().replace(b"c33", b"c00").replace(b"c32", b"c01"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    changed = [i for i, (a, b) in enumerate(zip(before, contents(sources), strict=True)) if a != b]
    assert changed == ([CHANGES[name]] if name in CHANGES else [])


def test_files_that_have_not_changed_are_not_read(sources, monkeypatch):
    inputs = find_inputs([str(sources / "t.csv")])
    first = fingerprints(inputs, (), [])
    monkeypatch.setattr("nanospeech_torch.prepare.sources.fingerprints.blocks", None)
    assert fingerprints(inputs, (), first) == first


def test_a_copy_is_the_same(sources):
    before = contents(sources)
    for path in sources.rglob("*"):
        os.utime(path)
    assert contents(sources) == before


def test_renamed_swapped_and_missing_files(sources):
    before = contents(sources)
    (sources / "pairs" / "p.wav").rename(sources / "pairs" / "q.wav")
    (sources / "pairs" / "p.txt").rename(sources / "pairs" / "q.txt")
    (sources / "c01.wav").unlink()
    after = contents(sources)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, False, True]


def test_what_is_not_local_has_none():
    inputs = find_inputs(["https://host/x.tar", "hf-dataset:a/b"])
    assert [entry["content"] for entry in fingerprints(inputs, (), [])] == ["", ""]
