"""The fingerprint of a run's data: equal for the same utterances wherever they are, else different."""

import dataclasses

import corpus
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.corpus import read_index, split_held_out
from nanospeech_torch.training.data.fingerprint import describe_held_out, fingerprint_entries


def read(*paths, held_out=2):
    data = DataConfig(shards=tuple(map(str, paths)))
    return split_held_out(read_index(data, corpus.small_model(), lambda line: None), held_out)


def test_where_the_data_are_does_not_matter(tmp_path):
    (tmp_path / "moved").mkdir()
    first = fingerprint_entries(*read(corpus.write_corpus(tmp_path / "a.tar")))
    copy = tmp_path / "moved" / "z.tar"
    copy.write_bytes((tmp_path / "a.tar").read_bytes())
    assert fingerprint_entries(*read(copy)) == first
    assert (first["utterances"], first["held_out"]) == (12, 2) and 0 < first["hours"] < 0.01
    held_out, training = read(copy)
    assert fingerprint_entries(held_out[::-1], training[::-1]) == first


@pytest.mark.parametrize(
    "change",
    [
        {"key": "other"},
        {"voice": "other"},
        {"text": "other"},
        {"samples": 12345},
        {"ids": np.array([1, 2], dtype=np.int16)},
        {"durations": np.array([1.0, 2.0], dtype=np.float32)},
        {"durations": None},
    ],
)
def test_other_data_are_seen(tmp_path, change):
    held_out, training = read(corpus.write_corpus(tmp_path / "a.tar"))
    changed = [dataclasses.replace(training[0], **change), *training[1:]]
    before, after = (fingerprint_entries(held_out, entries) for entries in (training, changed))
    assert before["digest"] != after["digest"] and before["held_out_digest"] == after["held_out_digest"]


def test_what_is_held_out_is_compared_apart(tmp_path):
    path = corpus.write_corpus(tmp_path / "a.tar")
    two, three = (fingerprint_entries(*read(path, held_out=count)) for count in (2, 3))
    assert two["digest"] == three["digest"] and two["held_out_digest"] != three["held_out_digest"]
    assert (two["held_out"], three["held_out"]) == (2, 3)


def test_held_out_utterances_are_told():
    line = describe_held_out(["d", "b", "a", "c"], 24000 * 90, "data.held_out")
    assert line == "held out for validation and not trained on: 4, 1.5 min (a, b, c, ...; data.held_out)"
    assert describe_held_out([], 0, "data.held_out").startswith("nothing is held out (data.held_out = 0)")
