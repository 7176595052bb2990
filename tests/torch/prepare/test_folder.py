"""The output folder: nothing is done twice, and nothing of other runs is overwritten."""

import pytest
from preparations import contents, settings, tones, write_shard

from nanospeech_core.errors import UserError
from nanospeech_torch.prepare import dataset as preparation
from nanospeech_torch.prepare.dataset import prepare
from nanospeech_torch.prepare.utterance import Recipe

pytest.importorskip("soundfile")


def test_a_second_run_does_nothing(tmp_path, source, monkeypatch):
    report = prepare(settings(source), tmp_path / "out", workers=0)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(preparation, "read_recordings", None)
    assert prepare(settings(source), tmp_path / "out", workers=0) == report
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shard_size": 5}, "shard_size was 4 and is 5"),
        ({"recipe": Recipe(format="opus")}, 'format was "flac" and is "opus"'),
        ({"recipe": Recipe(lang="en-gb", align=False)}, "align was true and is false; lang was"),
        ({"name": "other"}, 'name was "data" and is "other"'),
        ({"aligner": "x"}, 'aligner was null and is "x"'),
    ],
)
def test_other_arguments_need_another_folder(tmp_path, source, changes, message):
    prepare(settings(source), tmp_path / "out", workers=0)
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match=message):
        prepare(settings(source, **changes), tmp_path / "out", workers=0)
    assert contents(tmp_path / "out") == before


def test_other_data_need_another_folder(tmp_path, source):
    prepare(settings(source), tmp_path / "out", workers=0)
    write_shard(tmp_path / "in-2.tar", tones(1, seed=1))
    with pytest.raises(UserError, match="the sources have other files"):
        prepare(settings(source), tmp_path / "out", workers=0)
    (tmp_path / "in-2.tar").unlink()
    write_shard(tmp_path / "in-1.tar", tones(1))
    with pytest.raises(UserError, match="recordings or texts of .*in-1.tar have changed"):
        prepare(settings(source), tmp_path / "out", workers=0)


def test_changes_at_the_same_size_need_another_folder(tmp_path):
    for id, audio, _ in tones(3):
        (tmp_path / f"{id}.wav").write_bytes(audio)
    table, clip = tmp_path / "metadata.csv", tmp_path / "u001.wav"
    table.write_text("".join(f"u00{i}|Hello there.\n" for i in range(3)))
    arguments = settings(tmp_path, recipe=Recipe(align=False))
    report = prepare(arguments, tmp_path / "out", workers=0)
    text, audio = table.read_text(), clip.read_bytes()
    message = "recordings or texts of .*metadata.csv have changed"
    for path, content in ((table, text.replace("there", "where").encode()), (clip, audio[:-2] + b"\1\0")):
        before = path.read_bytes()
        path.write_bytes(content)
        assert len(content) == len(before)
        with pytest.raises(UserError, match=message):
            prepare(arguments, tmp_path / "out", workers=0)
        path.write_bytes(before)  # as it was, at another time
        assert prepare(arguments, tmp_path / "out", workers=0) == report


def test_shards_of_somebody_else_are_left_alone(tmp_path, source):
    (tmp_path / "out").mkdir()
    theirs = write_shard(tmp_path / "out" / "theirs.tar", tones(1)).read_bytes()
    with pytest.raises(UserError, match="has shards that this command did not make"):
        prepare(settings(source), tmp_path / "out", workers=0)
    assert contents(tmp_path / "out") == {"theirs.tar": theirs}


def test_no_place_to_write(tmp_path, source):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(UserError, match="cannot create the folder"):
            prepare(settings(source), path, workers=0)


def test_one_preparation_at_a_time(tmp_path, source):
    folder = preparation.Folder(tmp_path / "out", "data")
    with folder.locked(), pytest.raises(UserError, match="another run is writing"):
        prepare(settings(source), tmp_path / "out", workers=0)
    prepare(settings(source), tmp_path / "out", workers=0)


def test_a_shard_that_was_deleted_comes_back(tmp_path, source):
    prepare(settings(source), tmp_path / "out", workers=0)
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "data-000001.tar").unlink()
    prepare(settings(source), tmp_path / "out", workers=0)
    assert contents(tmp_path / "out") == before
