"""Folders of audio files and their texts."""

from preparations import problems, read, unused

from nanospeech_torch.prepare.sources.inputs import (
    count_recordings,
    find_inputs,
)


def test_folder_of_pairs(tmp_path):
    for name, content in {
        **{"x.1.flac": "x1", "x.1.json": '{"text": "one"}', "x.2.json": "{}", "y.wav": "", "z.wav": ""},
        **{"z.json": "[1]", "notes.txt": "", ".hidden.json": "{}", "m.m4a": "", "m.json": "{}"},
    }.items():
        (tmp_path / name).write_text(content)
    found = read(tmp_path)
    assert [r.id for r in found] == ["m", "notes", "x.1", "x.2", "y", "z"]
    assert problems(found) == [
        *(("notes", "no audio"), ("x.2", "no audio"), ("y", "no json or txt"), ("z", "broken json"))
    ]
    assert found[0].meta["suffix"] == ".m4a" and found[2].audio == str(tmp_path / "x.1.flac")
    assert count_recordings(*find_inputs([str(tmp_path)])) == 4


def test_texts_beside_audio(tmp_path):
    folder = tmp_path / "ann"
    folder.mkdir()
    for name, content in {
        **{
            "a.wav": b"",
            "a.txt": "It is caf\u00e9.\n".encode(),
            "b.mp3": b"",
            "b.lab": b"Two.",
            "c.wav": b"",
        },
        **{"d.wav": b"", "d.txt": b"caf\xe9", "e.wav": b"", "e.txt": "\ufeffFive.".encode("utf-16-le")},
        **{"f.wav": b"", "f.json": b'{"text": "six", "mood": "good"}', "f.txt": b"Six?"},
        **{"g.wav": b"", "g.json": b'{"voice": "bob"}', "g.txt": b"Seven."},
        **{"h.wav": b"", "h.mp3": b"", "h.txt": b"Eight.", "i.wav": b"", "i.lab": b"", "i.txt": b""},
        **{"cover.jpg": b"", "Makefile": b""},
    }.items():
        (folder / name).write_bytes(content)
    (folder / "old").mkdir()
    found = read(folder)
    assert [
        (r.id, r.file, r.meta["text"], r.meta["voice"] or r.default_voice) for r in found if not r.problem
    ] == [
        ("a", "a.wav", "It is caf\u00e9.\n", "ann"),
        ("b", "b.mp3", "Two.", "ann"),
        ("e", "e.wav", "Five.", "ann"),
        ("f", "f.wav", "six", ""),
        ("g", "g.wav", "Seven.", "bob"),
    ]
    assert problems(found) == [
        ("c", "no json or txt"),
        ("d", "text that is not UTF-8"),
        ("h", "several audio files"),
        ("i", "several texts"),
    ]
    assert unused(folder) == {
        **{'key "mood"': 1, ".txt beside json with a text": 1, ".jpg files among the pairs": 1},
        **{"other files among the pairs": 1, "folders among the pairs": 1},
    }
