"""Tables and lists of recordings."""

import json
from pathlib import Path

import pytest
from preparations import problems, read, read_until_damage

from nanospeech_torch.prepare.sources import count_recordings, find_inputs


@pytest.fixture
def audio_files(tmp_path):
    """A folder with wavs/a1.wav, wavs/a2.flac and a3.wav."""
    (tmp_path / "set" / "wavs").mkdir(parents=True)
    for name in ("wavs/a1.wav", "wavs/a2.flac", "a3.wav"):
        (tmp_path / "set" / name).write_bytes(name.encode())
    return tmp_path / "set"


def test_ljspeech(audio_files):
    (audio_files / "metadata.csv").write_text(
        'a1|10 "dogs"|ten "dogs"\n\na2|2|\na3|three|three\nnone|x|x\njust an id\n|no id|\n'
    )
    found = read(audio_files)
    assert [r.id for r in found] == ["a1", "a2", "a3", "none", "metadata.csv:5", "metadata.csv:6"]
    assert [r.meta.get("text") for r in found[:3]] == ['ten "dogs"', "2", "three"]
    assert {r.meta["voice"] for r in found[:3]} == {"set"}  # of a table without speakers: one voice
    assert [Path(r.audio).relative_to(audio_files).as_posix() for r in found[:3]] == [
        *("wavs/a1.wav", "wavs/a2.flac", "a3.wav")
    ]
    assert problems(found) == [
        *(("none", "no audio file"), ("metadata.csv:5", "a broken line"), ("metadata.csv:6", "a broken line"))
    ]
    assert found[3].detail == "none"
    assert read(audio_files / "metadata.csv") == found


@pytest.mark.parametrize("id", ["a1", "a1.wav", "wavs/a1", "wavs/a1.wav"])
def test_audio_beside_or_in_wavs_with_or_without_suffix(audio_files, id):
    (audio_files / "metadata.csv").write_text(f"{id}|one\n")
    (found,) = read(audio_files)
    assert Path(found.audio) == audio_files / "wavs" / "a1.wav"
    assert found.id == id.removesuffix(".wav") and found.meta["text"] == "one"
    assert found.meta["voice"] == "set" and found.meta["suffix"] == ".wav"


TABLES = {
    "path|text|speaker|lang": "wavs/a1.wav|one|ann|en-gb\nwavs/a2.flac|two|bob\n",
    "id|text|normalized|speaker": "a1|1|one|ann\na2|2|two|bob\n",
    "bars and a header": "audio_file|speaker|text\nwavs/a1.wav|ann|one\nwavs/a2.flac|bob|two\n",
    "tabs": "wavs/a1.wav\tone\tann\nwavs/a2.flac\ttwo\tbob\n",
    "commas": '\ufefffile_name,transcription,Speaker ID\r\nwavs/a1.wav,"one",ann\r\nwavs/a2.flac,two,bob\r\n',
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables(audio_files, table):
    (audio_files / "list.csv").write_bytes(table.encode())
    found = read(audio_files / "list.csv")
    assert [(r.id.removeprefix("wavs/"), r.meta["text"], r.meta["voice"]) for r in found] == [
        *(("a1", "one", "ann"), ("a2", "two", "bob"))
    ]


def test_named_columns_go_before_the_rule(audio_files):
    (audio_files / "metadata.csv").write_text("a1.wav|ann|one, two\n")
    (found,) = read(audio_files, columns=("path", "speaker", "text"))
    assert (found.meta["text"], found.meta["voice"]) == ("one, two", "ann")


def test_quoted_cells_of_a_comma_table(audio_files):
    (audio_files / "a.csv").write_text('file_name,text\nwavs/a1.wav,"one, ""two""\nthree"\n')
    (found,) = read(audio_files / "a.csv")
    assert found.meta["text"] == 'one, "two"\nthree'


def test_empty_and_binary_tables(audio_files):
    (audio_files / "a.csv").write_bytes(b"")
    assert read(audio_files / "a.csv") == []
    (audio_files / "b.csv").write_bytes(
        b"wavs/a1.wav|caf\xe9\n" + "a2|café à Orléans, déjà été, né élevé\n".encode()
    )
    assert "\ufffd" in read(audio_files / "b.csv")[0].meta["text"]  # rejected later
    (audio_files / "c.csv").write_text("file,text\na," + "x" * 200_000)
    assert "field larger" in read_until_damage(audio_files / "c.csv")[1]


def test_jsonl(audio_files):
    lines = [
        {"audio": "wavs/a1.wav", "text": "one", "speaker": "ann"},
        {"audio_filepath": str(audio_files / "a3.wav"), "text": "three", "id": "third"},
        {"text": "none"},
        {"path": "gone.wav", "text": "x"},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\n\n[1]\n{broken\n"
    (audio_files / "list.jsonl").write_text(text)
    found = read(audio_files / "list.jsonl")
    assert [(r.id, r.meta["voice"]) for r in found[:2]] == [("wavs/a1", "ann"), ("third", "")]
    assert [Path(r.audio) for r in found[:2]] == [audio_files / "wavs/a1.wav", audio_files / "a3.wav"]
    assert problems(found) == [
        ("list.jsonl:3", "no path of audio"),
        ("gone", "no audio file"),
        ("list.jsonl:6", "a broken line"),
        ("list.jsonl:7", "a broken line"),
    ]
    (counted,) = find_inputs([str(audio_files / "list.jsonl")])
    assert count_recordings(counted) == 7
