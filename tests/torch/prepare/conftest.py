"""Recordings to prepare."""

import pytest
from preparations import tones, write_shard


@pytest.fixture
def source(tmp_path):
    """Eleven utterances in two shards, three of which cannot be used."""
    utterances = tones(10)
    utterances[1] = ("u001", utterances[1][1], {**utterances[1][2], "text": ""})
    utterances[6] = ("u006", b"noise", utterances[6][2])
    write_shard(tmp_path / "in-0.tar", utterances[:7])
    write_shard(tmp_path / "in-1.tar", [*utterances[7:], utterances[2]])
    return tmp_path / "in-*.tar"
