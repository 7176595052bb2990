"""A part: its share of the work, and how it goes on after a stop."""

import preparations
import pytest
from preparations import contents, settings, tones, write_shard

from nanospeech_core.cluster.parts import Part
from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.parts import part as module
from nanospeech_torch.prepare.parts.part import prepare_part, summary
from nanospeech_torch.prepare.sources import inputs as reading
from nanospeech_torch.prepare.sources.dealing import Deal
from nanospeech_torch.prepare.sources.inputs import find_inputs

pytest.importorskip("soundfile")
pytestmark = pytest.mark.filterwarnings("ignore:.*is damaged")
EVEN = AlignerSource(loaded=preparations.EvenAligner())


def test_the_work_is_divided_evenly(tmp_path):
    source = write_shard(tmp_path / "in.tar", tones(11))
    tallies = [prepare_part(settings(source), tmp_path, Part(n, 3), 0) for n in (1, 2, 3)]
    assert [tally.recordings for tally in tallies] == [4, 4, 3]
    assert len(contents(tmp_path / "parts")) == 3 + 3  # a part.json and a pack each
    assert summary(Part(3, 3), tallies[2]).splitlines()[0].endswith(" in 3 utterances")


def test_many_shards_are_read_once(tmp_path, monkeypatch):
    for i in range(5):
        write_shard(tmp_path / f"in-{i}.tar", tones(2, seed=i))
    inputs = find_inputs([str(tmp_path / "in-*.tar")])
    assert [[n for n in range(5) if Deal(inputs, Part(p, 2)).reads(n)] for p in (1, 2)] == [[0, 2, 4], [1, 3]]
    assert all(Deal(inputs, Part(1, 9)).reads(n) for n in range(5))  # fewer than parts
    opened = []
    real = reading.tar_recordings
    monkeypatch.setattr(reading, "tar_recordings", lambda path, skip: opened.append(path) or real(path, skip))
    for number in (1, 2):
        prepare_part(settings(tmp_path / "in-*.tar"), tmp_path / "out", Part(number, 2), 0)
    assert len(opened) == len(set(opened)) == 5


def test_a_stopped_part_goes_on(tmp_path, sources, monkeypatch):
    prepare_part(settings(*sources), tmp_path / "whole", Part(1, 2), 0, EVEN)
    real, done = module.prepare_all, []

    def stops(stream, *rest):
        for number, entry in enumerate(real(stream, *rest)):
            if number == 6:
                raise KeyboardInterrupt
            yield entry

    monkeypatch.setattr(module, "prepare_all", stops)
    with pytest.raises(KeyboardInterrupt):
        prepare_part(settings(*sources), tmp_path / "out", Part(1, 2), 0, EVEN)
    assert sorted(contents(tmp_path / "out")) == ["parts/1-of-2/000000.tar", "parts/1-of-2/part.json"]

    def counted(stream, *rest):
        for entry in real(stream, *rest):
            done.append(entry)
            yield entry

    monkeypatch.setattr(module, "prepare_all", counted)
    prepare_part(settings(*sources), tmp_path / "out", Part(1, 2), 0, EVEN)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    before = len(done)
    notes: list[str] = []
    prepare_part(settings(*sources), tmp_path / "out", Part(1, 2), 0, EVEN, notes.append)
    assert len(done) == before and "was complete already" in notes[0]


def test_a_part_is_not_mixed_with_another_command(tmp_path, sources):
    prepare_part(settings(*sources), tmp_path / "out", Part(1, 2), 0, EVEN)
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match="was prepared differently .shard_size was 4 and is 5."):
        prepare_part(settings(*sources, shard_size=5), tmp_path / "out", Part(1, 2), 0, EVEN)
    table = tmp_path / "table" / "metadata.csv"
    table.write_text(table.read_text().replace("ann", "bob"))
    with pytest.raises(UserError, match="recordings or texts of .*metadata.csv have changed"):
        prepare_part(settings(*sources), tmp_path / "out", Part(1, 2), 0, EVEN)
    assert contents(tmp_path / "out") == before


def test_an_empty_part(tmp_path):
    source = write_shard(tmp_path / "in.tar", tones(1))
    assert prepare_part(settings(source), tmp_path / "out", Part(2, 2), 0).recordings == 0
    assert list(contents(tmp_path / "out")) == ["parts/2-of-2/part.json"]
