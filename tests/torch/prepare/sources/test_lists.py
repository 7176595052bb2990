"""Lists of recordings."""

import json
from pathlib import Path

from preparations import problems, read, unused

from nanospeech_torch.prepare.sources.inputs import count_recordings, find_inputs


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
        ("list.jsonl:3", "no name of an audio file"),
        ("gone", "no audio file"),
        ("list.jsonl:6", "a broken line"),
        ("list.jsonl:7", "a broken line"),
    ]
    (counted,) = find_inputs([str(audio_files / "list.jsonl")])
    assert count_recordings(counted) == 7


def test_what_a_line_has_beside_it_is_counted(audio_files):
    lines = [
        {"audio": "wavs/a1.wav", "text": "one", "sentence": "uno", "gender": "f", "samples": 5, "age": None},
        {"audio": "wavs/a2.flac", "text": "2", "normalized": "two", "gender": "m", "accent": ""},
    ]
    (audio_files / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert [r.meta["text"] for r in read(audio_files / "list.jsonl")] == ["one", "two"]
    assert unused(audio_files / "list.jsonl") == {'key "sentence"': 1, 'key "gender"': 2}
