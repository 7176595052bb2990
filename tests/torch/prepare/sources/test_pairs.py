"""Folders of audio files and their texts."""

from preparations import problems, read

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
