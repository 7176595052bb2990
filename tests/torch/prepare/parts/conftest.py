"""Sources of every kind, for parts."""

import json

import pytest
from preparations import tones, write_shard


@pytest.fixture
def sources(tmp_path):
    """Two shards, one of them damaged, a table, a list and pairs, with copies and recordings of no use."""
    utterances = tones(24)
    utterances[1] = ("u001", utterances[1][1], {**utterances[1][2], "text": ""})
    utterances[6] = ("u006", b"noise", utterances[6][2])
    write_shard(tmp_path / "in-0.tar", utterances[:7])
    whole = write_shard(tmp_path / "in-1.tar", [*utterances[7:10], utterances[2]]).read_bytes()
    (tmp_path / "in-1.tar").write_bytes(whole[: len(whole) * 3 // 4])
    shares = {"table": utterances[8:13], "list": utterances[13:18], "pairs": utterances[18:]}
    for folder, share in shares.items():
        (tmp_path / folder).mkdir()
        for id, audio, _ in share:
            (tmp_path / folder / f"{id}.wav").write_bytes(audio)
    rows = [f"{id}.wav|{meta['text']}|ann" for id, _, meta in shares["table"]]
    (tmp_path / "table" / "metadata.csv").write_text("\n".join(["path|text|speaker", *rows, "gone.wav|Hi.|"]))
    lines = [json.dumps({"audio": f"{id}.wav", **meta}) for id, _, meta in shares["list"]]
    (tmp_path / "list" / "l.jsonl").write_text("\n".join(lines) + "\n")
    for id, _, meta in shares["pairs"][:-1]:  # the last one has no text
        (tmp_path / "pairs" / f"{id}.json").write_text(json.dumps(meta))
    (tmp_path / "pairs" / "notes.pdf").write_bytes(b"1")
    return [tmp_path / name for name in ("in-0.tar", "in-1.tar", "table", "list", "pairs")]
