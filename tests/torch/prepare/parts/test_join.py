"""The shards of joined parts are those of one run, byte for byte, and a part that does not belong is told."""

import json
import re
import shutil
import warnings

import commands
import preparations
import pytest
from preparations import contents, settings, tones, write_shard

from nanospeech_core.cluster.parts import Part
from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.dataset import prepare
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.parts import join as joining
from nanospeech_torch.prepare.parts.join import allow_open_files, join
from nanospeech_torch.prepare.parts.part import prepare_part

pytest.importorskip("soundfile")
EVEN = AlignerSource(loaded=preparations.EvenAligner())


@pytest.fixture(autouse=True)
def damage_is_expected():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is damaged")
        yield


def make_parts(sources, output, count, **changes):
    for number in range(1, count + 1):
        prepare_part(settings(*sources, **changes), output, Part(number, count), 0, EVEN)


def results(folder) -> dict[str, bytes]:
    """The files of an output folder but those that say how it was made."""
    return {
        name: content
        for name, content in contents(folder).items()
        if not name.startswith("parts") and name != "prepare.json"
    }


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_the_result_is_that_of_one_run(tmp_path, sources, count):
    whole = prepare(settings(*sources), tmp_path / "whole", 0, EVEN)
    assert whole["damaged"] and whole["rejected"]["count"] > 5 and whole["unused"] and whole["shards"] > 3
    make_parts(sources, tmp_path / "out", count)
    assert join([tmp_path / "out"], tmp_path / "out") == whole
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    # a run without parts finds the same data, and a second join does nothing
    notes: list[str] = []
    for again in (
        prepare(settings(*sources), tmp_path / "out", 0, EVEN, notes.append),
        join([tmp_path / "out"], tmp_path / "out", notes.append),
    ):
        assert again == whole
    assert [re.sub(".* was (complete|joined).*", r"\1", note) for note in notes] == ["complete", "joined"]


def test_folders_of_their_own(tmp_path, sources):
    whole = prepare(settings(*sources), tmp_path / "whole", 0, EVEN)
    for number in (3, 1, 2):
        prepare_part(settings(*sources), tmp_path / f"job-{number}", Part(number, 3), 0, EVEN)
    folders = [tmp_path / f"job-{number}" for number in (1, 2, 3)]
    shutil.rmtree(sources[2])  # the sources are not read
    assert join(folders, tmp_path / "out") == whole
    assert results(tmp_path / "out") == results(tmp_path / "whole")


def test_a_stopped_join_goes_on(tmp_path, sources, monkeypatch):
    prepare(settings(*sources), tmp_path / "whole", 0, EVEN)
    make_parts(sources, tmp_path / "out", 3)
    real, read = joining.merged, []

    def stops(parts, start):
        for number, entry in enumerate(real(parts, start)):
            if number == 17:
                raise KeyboardInterrupt
            yield entry

    monkeypatch.setattr(joining, "merged", stops)
    with pytest.raises(KeyboardInterrupt):
        join([tmp_path / "out"], tmp_path / "out")
    assert (tmp_path / "out" / "data-000000.tar").exists()
    assert not (tmp_path / "out" / "report.json").exists()

    def counted(parts, start):
        for entry in real(parts, start):
            read.append(entry)
            yield entry

    monkeypatch.setattr(joining, "merged", counted)
    join([tmp_path / "out"], tmp_path / "out")
    assert results(tmp_path / "out") == results(tmp_path / "whole") and 0 < len(read) < 25


def failure(folders, output="joined") -> str:
    with pytest.raises(UserError) as caught:
        join(folders, folders[0] / output)
    assert not (folders[0] / output).exists()
    return str(caught.value)


def test_parts_that_are_not_there(tmp_path, sources):
    out = tmp_path / "out"
    assert failure([tmp_path / "none"]).startswith(f"{tmp_path / 'none'} does not exist")
    out.mkdir()
    assert failure([out]) == f"{out} has no parts: make them with --part, such as --part 1/64"
    make_parts(sources, out, 3)
    shutil.rmtree(out / "parts" / "2-of-3")
    assert failure([out]) == "part 2 of 3 is missing: run its job first"


def test_a_part_that_is_there_twice(tmp_path, sources):
    make_parts(sources, tmp_path / "out", 2)
    prepare_part(settings(*sources), tmp_path / "again", Part(2, 2), 0, EVEN)
    assert "part 2/2 is there twice, in " in failure([tmp_path / "out", tmp_path / "again"])


def test_a_part_of_another_command(tmp_path, sources):
    make_parts(sources, tmp_path / "out", 2)
    shutil.rmtree(tmp_path / "out" / "parts" / "2-of-2")
    prepare_part(settings(*sources, shard_size=5), tmp_path / "out", Part(2, 2), 0, EVEN)
    message = failure([tmp_path / "out"])
    assert "2-of-2 was made differently than" in message and "(shard_size was 4 and is 5)" in message
    shutil.rmtree(tmp_path / "out" / "parts" / "2-of-2")
    prepare_part(settings(*sources[:4]), tmp_path / "out", Part(2, 2), 0, EVEN)
    assert "the sources have other files" in failure([tmp_path / "out"])


def test_a_part_of_another_version(tmp_path, sources):
    make_parts(sources, tmp_path / "out", 2)
    path = tmp_path / "out" / "parts" / "2-of-2" / "part.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "0.0.1"}))
    assert 'and is "0.0.1"' in failure([tmp_path / "out"])


@pytest.mark.parametrize("name", ["table/metadata.csv", "list/l.jsonl", "in-0.tar", "pairs/u019.json"])
def test_a_part_of_other_data(tmp_path, sources, name):
    prepare_part(settings(*sources), tmp_path / "out", Part(1, 3), 0, EVEN)
    path = tmp_path / name
    old = b"v0" if b"v0" in path.read_bytes() else b"v1" if b"v1" in path.read_bytes() else b"0"
    path.write_bytes(path.read_bytes().replace(old, b"w2", 1))
    for number in (2, 3):
        prepare_part(settings(*sources), tmp_path / "out", Part(number, 3), 0, EVEN)
    assert "2-of-3 was made of other recordings or texts of" in failure([tmp_path / "out"])


def test_a_part_that_is_not_complete(tmp_path, sources, monkeypatch):
    make_parts(sources, tmp_path / "out", 3)
    packs = sorted((tmp_path / "out" / "parts" / "2-of-3").glob("*.tar"))
    packs[-1].unlink()
    message = failure([tmp_path / "out"])
    assert message.startswith("part 2 of 3 is not complete: wait for the jobs that are running, and run")
    assert "was last written 0 minutes ago" in message
    make_parts(sources, tmp_path / "out", 3)
    join([tmp_path / "out"], tmp_path / "out")


def test_a_damaged_pack(tmp_path, sources):
    make_parts(sources, tmp_path / "out", 2)
    pack = tmp_path / "out" / "parts" / "2-of-2" / "000000.tar"
    pack.write_bytes(pack.read_bytes()[:3000])
    with pytest.raises(UserError, match="cannot read .*000000.tar: it is damaged"):
        join([tmp_path / "out"], tmp_path / "joined")
    for content in ("{}", "[]", '{"format": 1, "part": [2, 2], "arguments": {"inputs": 5}}', "x"):
        (pack.parent / "part.json").write_text(content)
        with pytest.raises(UserError, match="part"):
            join([tmp_path / "out"], tmp_path / "joined")


def test_recordings_that_are_in_no_part(tmp_path):
    """Shards behind an address have no fingerprints: what differs between two jobs is seen by its gaps."""
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    for number, count in ((1, 4), (2, 6)):
        shard = write_shard(tmp_path / "in.tar", tones(count))
        files.pipe("/parts/in.tar", shard.read_bytes())
        prepare_part(settings("memory://parts/in.tar"), tmp_path / "out", Part(number, 2), 0, EVEN)
    with pytest.raises(UserError, match="some recordings of source 1 are in no part"):
        join([tmp_path / "out"], tmp_path / "joined")


def test_more_parts_than_open_files(monkeypatch):
    resource = pytest.importorskip("resource")
    limits = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, pair: limits.append(pair))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (100, 300))
    allow_open_files(20)
    allow_open_files(200)
    assert limits == [(264, 300)]
    with pytest.raises(UserError, match="ulimit -n 364"):
        allow_open_files(300)


def test_the_commands(tmp_path):
    source = write_shard(tmp_path / "in.tar", tones(9))
    arguments = [source, "--shard-size", 4, "--workers", 0]
    module = "nanospeech_torch.prepare"
    for number in (1, 2):
        done = commands.in_this_process(module, *arguments, "-o", tmp_path / "out", "--part", f"{number}/2")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"part {number}/2: ") and "rejected: 0" in done.out
    done = commands.in_this_process(module, "--join", tmp_path / "out")
    assert done.code == 0 and "in 9 utterances, 3 shards" in done.out
    assert f"no longer needed: {tmp_path / 'out' / 'parts'} can be deleted" in done.out
    whole = commands.in_this_process(module, *arguments, "-o", tmp_path / "whole")
    assert done.out.endswith(whole.out) and results(tmp_path / "out") == results(tmp_path / "whole")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--join", "x", "--lang", "zh"], "--join takes its settings from the parts"),
        (["--join", "x", "--part", "1/2"], "not allowed with argument"),
        (["x"], "the following arguments are required: -o/--output"),
        (["x", "-o", "y", "--part", "3/2"], "'3/2' is not a part: the third of 64 is 3/64"),
    ],
)
def test_mistakes_in_the_arguments(arguments, message):
    done = commands.in_this_process("nanospeech_torch.prepare", *arguments)
    assert done.code == 2 and message in done.err


def test_several_folders_need_an_output(tmp_path):
    done = commands.in_this_process("nanospeech_torch.prepare", "--join", tmp_path, tmp_path)
    assert done.code == 1 and "needs --output" in done.err
