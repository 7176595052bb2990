"""A complete preparation: its shards and figures; nothing stops it, spoils it or makes it start over."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import corpus
import numpy as np
import preparations
import psutil
import pytest
from preparations import contents, read_shard, settings, tones, write_shard

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_torch.prepare import __main__ as command
from nanospeech_torch.prepare import dataset as preparation
from nanospeech_torch.prepare.dataset import member_name, prepare
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.recording import Recording
from nanospeech_torch.prepare.report import Tally, histogram, make_report, table
from nanospeech_torch.prepare.sources import shards
from nanospeech_torch.prepare.utterance import Prepared, Recipe, Utterance

pytest.importorskip("soundfile")
ROOT = Path(__file__).parents[3]
NUMBERS = ("one", "two", "three", "four", "five", "six")


def run(*arguments) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "nanospeech_torch.prepare", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)


# what comes out


def test_shards(tmp_path, source):
    report = prepare(settings(source), tmp_path / "out", workers=0)
    names = ["data-000000.tar", "data-000001.tar", "prepare.json", "rejected.jsonl", "report.json"]
    assert list(contents(tmp_path / "out")) == names
    shards = [read_shard(tmp_path / "out" / name) for name in names[:2]]
    assert [list(shard) for shard in shards] == [
        ["u000", "u002", "u003", "u004"],
        ["u005", "u007", "u008", "u009"],
    ]
    expected = {id: (audio, meta) for id, audio, meta in tones(10)}
    for id, (suffix, audio, meta) in {**shards[0], **shards[1]}.items():
        given = expected[id][1]
        assert suffix == "flac" and {name: meta[name] for name in given} == given
        assert meta["source"] == ("in-0.tar" if id < "u007" else "in-1.tar")
        wave, rate = corpus_wave(audio), SAMPLE_RATE
        assert len(wave) == meta["samples"] == sum(given["durations"]) * 600 and rate == SAMPLE_RATE
        assert np.abs(wave - corpus_wave(expected[id][0])).max() <= 1 / 32768
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    lines = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    rejected = [(case["id"], case["reason"]) for case in map(json.loads, lines)]
    assert rejected == [
        ("u001", "empty text"),
        ("u006", "unreadable audio"),
        ("u002", "an id that was read before"),
    ]


def corpus_wave(audio: bytes) -> np.ndarray:
    import io

    import soundfile

    return soundfile.read(io.BytesIO(audio), dtype="float32")[0]


def test_the_trainer_reads_them(tmp_path, source):
    pytest.importorskip("torch")
    from nanospeech_torch.training.config import DataConfig
    from nanospeech_torch.training.data.corpus import read_index

    bare = write_shard(tmp_path / "bare.tar", [(f"b{id}", a, m) for id, a, m in tones(3, 1, durations=False)])
    even = AlignerSource(loaded=preparations.EvenAligner())
    report = prepare(settings(source, bare), tmp_path / "out", workers=0, aligner=even)
    lines: list[str] = []
    data = DataConfig(shards=(str(tmp_path / "out" / "*.tar"),))
    items = read_index(data, corpus.small_model(), lines.append)
    assert [item.key for item in items] == [
        "u000",
        *(f"u{i:03d}" for i in (2, 3, 4, 5, 7, 8, 9)),
        *(f"bu{i:03d}" for i in range(3)),
    ]
    assert len(lines) == 1  # nothing is skipped
    assert sum(item.samples for item in items) / SAMPLE_RATE / 3600 == pytest.approx(
        report["hours"], abs=1e-6
    )


def test_figures(tmp_path, source):
    report = prepare(settings(source), tmp_path / "out", workers=0)
    kept = [meta for i, (_, _, meta) in enumerate(tones(10)) if i not in (1, 6)]
    samples = [sum(meta["durations"]) * 600 for meta in kept]
    voices = Counter()
    for meta, count in zip(kept, samples, strict=True):
        voices[meta["voice"]] += count
    assert report["hours"] == pytest.approx(sum(samples) / SAMPLE_RATE / 3600, abs=1e-6)
    assert (report["utterances"], report["shards"], report["damaged"]) == (8, 2, [])
    assert {s["name"]: s["hours"] for s in report["speakers"]} == {
        name: pytest.approx(count / SAMPLE_RATE / 3600, abs=1e-6) for name, count in voices.items()
    }
    assert [s["hours"] for s in report["speakers"]] == sorted(s["hours"] for s in report["speakers"])[::-1]
    assert [(s["name"], s["utterances"]) for s in report["languages"]] == [("en-us", 8)]
    assert report["durations"] == {"given": 8} and report["unknown_symbols"] == {}
    assert {int(s): n for s, n in report["lengths"].items()} == Counter(c // SAMPLE_RATE for c in samples)
    assert report["rejected"]["count"] == 3
    reasons = {
        r["reason"]: (r["count"], [case.split()[0] for case in r["first"]])
        for r in report["rejected"]["reasons"]
    }
    assert reasons == {
        "empty text": (1, ["u001"]),
        "unreadable audio": (1, ["u006"]),
        "an id that was read before": (1, ["u002"]),
    }


def test_copies_are_rejected(tmp_path):
    """They would count twice, or be held out and trained on. Also across shards and after a stop."""
    utterances = tones(5)
    copies = [("copy", *utterances[1][1:]), *utterances[:4], ("again", *utterances[0][1:])]
    report = prepare(settings(write_shard(tmp_path / "in.tar", copies), shard_size=2), tmp_path / "out", 0)
    assert (report["recordings"], report["utterances"], report["shards"]) == (6, 4, 2)
    (reason,) = report["rejected"]["reasons"]
    assert reason == {"reason": "a copy of an earlier recording", "count": 2, "first": ["u001", "again"]}


def test_what_is_said_of_splits_cuts_and_doubts():
    tally = Tally()
    meta = {"samples": SAMPLE_RATE, "lang": "en-us", "text": "a"}
    parts = tuple(Utterance(f"a-part{i}", b"", meta, "aligned", unused=("column 3",)) for i in (1, 2))
    tally.accept(Prepared("a", parts, 1, 2.5, (("clipped", "3%"),)))
    tally.accept(Prepared("b", (Utterance("b", b"", meta, "aligned"),), 2))
    other = Tally()
    other.merge(tally)
    report = make_report(other, 1)
    assert (report["recordings"], report["utterances"], report["unused"]) == (2, 3, {"column 3": 1})
    lines = table(report).splitlines()
    assert "split at pauses: 1 long recording, into 2 utterances" in lines
    assert "silence cut off the ends: 2.5 s of 1 recording" in lines
    assert lines[lines.index("used, but listen to them:") + 1] == "        1  clipped: a (3%)"


def test_the_table():
    many = [{"name": f"v{i}", "utterances": 2, "hours": 0.5} for i in range(12)]
    report = {
        **{"hours": 12.345, "utterances": 99, "shards": 3, "speakers": many},
        **{"languages": [{"name": "en-us", "utterances": 99, "hours": 12.345}]},
        **{
            "durations": {"aligned": 90, "given": 9},
            "lengths": {"1": 20, "3": 79},
            "unknown_symbols": {"#": 4},
        },
        "rejected": {"count": 7, "reasons": [{"reason": "silent", "count": 7, "first": ["a", "b (x)"]}]},
        "damaged": [{"input": "x.tar", "error": "it ends too early"}],
    }
    lines = table(report).splitlines()
    assert lines[0] == "12.3 h in 99 utterances, 3 shards"
    assert "        4    1.00 h  (2 more)" in lines and "        2  30.0 min  v9" in lines
    assert "durations: aligned 90, given 9" in lines
    assert "        7  silent: a, b (x), ..." in lines
    assert 'symbols outside the vocabulary, left out: "#" (U+0023) in 4' in lines
    assert lines[-1] == "damaged: x.tar: it ends too early"
    lines = table({**report, "layouts": [f"t{i}.csv: columns id, text" for i in range(12)]}).splitlines()
    assert lines[9:12] == ["t9.csv: columns id, text", "(2 more tables)", ""]
    assert histogram({1: 20, 3: 80}) == [
        "   1 - 2        20 ##########",
        "   2 - 3         0",
        "   3 - 4        80 " + "#" * 40,
    ]


def test_ids_become_names_of_members(tmp_path):
    ids = ["a.b", "a_b", "a%2Eb", "../up", "/data/x", "v1.0/a", "ünï 你", "\udcff", ".", "d/", "c\\e:f"]
    names = [member_name(id) for id in ids]
    assert len(set(names)) == len(ids)
    assert not any("." in name or name.startswith("/") or name.endswith("/") for name in names)
    utterances = tones(len(ids))
    rows = []
    for id, (name, audio, meta) in zip(ids, utterances, strict=True):
        (tmp_path / f"{name}.wav").write_bytes(audio)
        rows.append(json.dumps({"id": id, "audio": f"{name}.wav", **meta}))
    (tmp_path / "list.jsonl").write_text("\n".join(rows))
    report = prepare(settings(tmp_path / "list.jsonl", shard_size=99), tmp_path / "out", workers=0)
    assert report["utterances"] == len(ids)
    assert list(read_shard(tmp_path / "out" / "data-000000.tar")) == ids
    from nanospeech_torch.training.data.corpus import scan_shards

    assert len(list(scan_shards((str(tmp_path / "out" / "*.tar"),)))) == len(ids)


def test_examples_and_what_is_not_used(tmp_path):
    rows, texts = ["path,text,speaker,score"], []
    for id, audio, meta in tones(6):
        (tmp_path / f"{id}.wav").write_bytes(audio)
        texts.append(f"Hello, {NUMBERS[len(texts)]}")
        rows.append(f'{id}.wav,"{texts[-1]}",{meta["voice"]},5')
    rows[3] = rows[3].replace('"', "")
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    (tmp_path / "more.wav").touch()
    report = prepare(settings(tmp_path, recipe=Recipe(align=False)), tmp_path / "out", workers=0)
    assert report["layouts"] == ['metadata.csv: columns path, text, speaker, score; separated by ","']
    assert [tuple(case.values()) for case in report["examples"]] == [
        (f"u00{i}.wav", texts[i], f"v{i % 2}") for i in (0, 1, 3)
    ]
    assert report["unused"] == {"column 4 (score)": 5, "audio files that metadata.csv does not name": 2}
    assert report["rejected"]["reasons"] == [
        {
            "reason": "a line with more cells than columns",
            "count": 1,
            "first": ["metadata.csv:4 (5 cells, 4 columns)"],
        }
    ]
    lines = table(report).splitlines()
    assert lines[0] == report["layouts"][0]
    assert lines[1:5] == [f'  u00{i}.wav: "{texts[i]}" (speaker: v{i % 2})' for i in (0, 1, 3)] + [""]
    assert lines[-3:] == [
        "not used:",
        "        5  column 4 (score)",
        "        2  audio files that metadata.csv does not name",
    ]


def test_tables_of_two_folders_may_name_equal_files(tmp_path):
    for seed, folder in enumerate(("ann", "bob")):
        (tmp_path / folder).mkdir()
        for id, audio, _ in tones(2, seed):
            (tmp_path / folder / f"{id}.wav").write_bytes(audio)
        (tmp_path / folder / "metadata.csv").write_text("u000|Hello there.\nu001|Hello you.\n")
    sources = settings(tmp_path / "ann", tmp_path / "bob", recipe=Recipe(align=False))
    report = prepare(sources, tmp_path / "out", workers=0)
    assert report["rejected"]["count"] == 0
    found = read_shard(tmp_path / "out" / "data-000000.tar")
    assert {id: meta["voice"] for id, (_, _, meta) in found.items()} == {
        **{"ann/u000": "ann", "ann/u001": "ann", "bob/u000": "bob", "bob/u001": "bob"}
    }


# being stopped


class Kill(BaseException):
    """What nothing catches."""


@pytest.mark.slow
@pytest.mark.parametrize("when", range(2, 9))
def test_stopped_in_a_table_it_counts_everything_once(tmp_path, monkeypatch, when):
    rows = ["path,text,score"]
    for id, audio, _ in tones(9):
        (tmp_path / f"{id}.wav").write_bytes(audio)
        rows += [f"{id}.wav,Hello there.,5", f"{id}.wav,Hello, there.,5"]
    (tmp_path / "metadata.csv").write_text("\n".join(rows[:-1]))
    (tmp_path / "more.wav").touch()
    arguments = settings(tmp_path, recipe=Recipe(align=False))
    expected = prepare(arguments, tmp_path / "complete", workers=0)
    assert expected["unused"] and len(expected["examples"]) == 3 and expected["rejected"]["count"] == 8
    replace, calls = os.replace, []

    def dying(*paths):
        calls.append(paths)
        if len(calls) == when:
            raise Kill
        replace(*paths)

    with monkeypatch.context() as patch, pytest.raises(Kill):
        patch.setattr(os, "replace", dying)
        prepare(arguments, tmp_path / "out", workers=0)
    assert prepare(arguments, tmp_path / "out", workers=0) == expected
    assert contents(tmp_path / "out") == contents(tmp_path / "complete")


@pytest.mark.slow
@pytest.mark.parametrize("when", range(1, 13))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_stopped_at_any_file_it_goes_on_to_the_same_bytes(tmp_path, source, monkeypatch, when, moment):
    prepare(settings(source, shard_size=2), tmp_path / "complete", workers=0)
    replace, calls = os.replace, []

    def dying(*paths):
        calls.append(paths)
        if len(calls) == when and moment == "before":
            raise Kill
        replace(*paths)
        if len(calls) == when:
            raise Kill

    with monkeypatch.context() as patch, pytest.raises(Kill):
        patch.setattr(os, "replace", dying)
        prepare(settings(source, shard_size=2), tmp_path / "out", workers=0)
    written = {p: p.stat().st_ino for p in (tmp_path / "out").glob("data-*.tar")}
    done = when - (moment == "before")  # prepare.json; a shard and its progress, four times; the end
    shards = max(0, min((done - 1) // 2, 4))
    again = []
    monkeypatch.setattr(preparation, "read_recordings", spy(preparation.read_recordings, again))
    prepare(settings(source, shard_size=2), tmp_path / "out", workers=0)
    assert contents(tmp_path / "out") == contents(tmp_path / "complete")
    assert sum(p.stat().st_ino == inode for p, inode in written.items()) >= shards
    assert len(again) <= 11 - 2 * shards  # what was finished is not done again


def spy(read, seen):
    def reading(*arguments):
        for recording in read(*arguments):
            if isinstance(recording, Recording):
                seen.append(recording.id)
            yield recording

    return reading


@pytest.mark.slow
def test_killed_it_goes_on_to_the_same_bytes(tmp_path):
    """SIGKILL in the middle of 150 utterances, in real processes; the workers die with their parent."""
    source = write_shard(tmp_path / "in.tar", tones(150))
    arguments = [str(source), "--shard-size", "3", "--workers", "2", "--no-align", "-o"]
    line = [sys.executable, "-m", "nanospeech_torch.prepare", *arguments]
    out = tmp_path / "out"
    process = subprocess.Popen([*line, str(out)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (out / "data-000002.tar").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert not (out / "report.json").exists()
    finished = {p: p.stat().st_ino for p in sorted(out.glob("data-*.tar"))[:-1]}
    assert children
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert run(*arguments, out).returncode == 0
    assert {p: p.stat().st_ino for p in finished} == finished
    prepare(settings(source, shard_size=3, recipe=Recipe(align=False)), tmp_path / "complete", workers=0)
    assert contents(out) == contents(tmp_path / "complete")


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_it_at_once(tmp_path, times):
    """Also a second one, while the workers are being ended."""
    source = write_shard(tmp_path / "in.tar", tones(200))
    out = tmp_path / "out"
    line = [sys.executable, "-m", "nanospeech_torch.prepare", str(source), "-o", str(out), "--workers", "2"]
    process = subprocess.Popen(
        [*line, "--shard-size", "3", "--format", "opus"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,  # to signal all of them, as a terminal does
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # pytest's may be ignored
    )
    deadline = time.monotonic() + 60
    while not (out / "data-000001.tar").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    children = psutil.Process(process.pid).children(recursive=True)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.03)
    error = process.communicate(timeout=30)[1].decode()
    assert process.returncode in (130, -signal.SIGINT) and (times == 2 or error == "prepare: interrupted\n")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert children and not alive
    assert not list(out.glob(".data*")) or times == 2


@pytest.mark.slow
def test_full_disk(tmp_path):
    """No file may pass 400 kB: the second shard cannot be written, the first stays complete."""
    small = tones(2)
    big = corpus.audio_bytes(0.1 * np.random.default_rng(0).normal(size=20 * SAMPLE_RATE))
    source = write_shard(
        tmp_path / "in.tar", [*small, ("big", big, {"text": "a " * 40, "phonemes": "a " * 40}), *tones(3)[2:]]
    )
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
        "from nanospeech_torch.prepare.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = [source, "-o", tmp_path / "out", "--shard-size", "2", "--no-align", "--workers", "0"]
    line = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    shard = tmp_path / "out" / "data-000001.tar"
    assert done.stderr == f"prepare: cannot write {shard}: File too large\n"
    assert list(read_shard(tmp_path / "out" / "data-000000.tar")) == ["u000", "u001"]
    assert not list((tmp_path / "out").glob(".data*")) and not shard.exists()
    assert run(*arguments).returncode == 0
    assert list(read_shard(shard)) == ["big", "u002"]


# sources that fail


def test_damaged_shard(tmp_path, source):
    path = tmp_path / "in-0.tar"
    path.write_bytes(path.read_bytes()[:-30_000])
    with pytest.warns(UserWarning, match="in-0.tar is damaged, and the rest of it is skipped: ") as caught:
        report = prepare(settings(source, shard_size=3), tmp_path / "out", workers=0)
    assert len(caught) == 1
    assert [Path(entry["input"]).name for entry in report["damaged"]] == ["in-0.tar"]
    assert 3 <= report["utterances"] < 8  # those before the damage, and all of the next shard
    ids = [id for p in sorted((tmp_path / "out").glob("*.tar")) for id in read_shard(p)]
    assert ids[:3] == ["u000", "u002", "u003"] and ids[-3:] == ["u007", "u008", "u009"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepare(settings(source, shard_size=3), tmp_path / "out", workers=0) == report


def test_nothing_but_damage(tmp_path, monkeypatch):
    for i in range(5):
        (tmp_path / f"in-{i}.tar").write_bytes(b"nonsense" * 999)
    message = r"nothing can be used: .*in-0.tar is damaged \(.*, so are 2 more$"
    with pytest.raises(UserError, match=message):
        prepare(settings(tmp_path / "in-*.tar"), tmp_path / "out", workers=0)
    monkeypatch.setattr(shards, "RETRY_SECONDS", 0.0)
    if importlib.util.find_spec("fsspec"):
        with pytest.raises(UserError, match="memory://gone/x.tar is damaged"):
            prepare(settings("memory://gone/x.tar"), tmp_path / "out", workers=0)


def test_nothing_that_can_be_used(tmp_path):
    silent = corpus.audio_bytes(np.zeros(SAMPLE_RATE))
    utterances = [("a", silent, {"text": "one"}), ("b", silent, {"text": "two"}), ("c", b"", {"text": ""})]
    source = write_shard(tmp_path / "in.tar", utterances)
    message = (
        r"all 3 recordings were rejected \(2 silent, 1 empty text; the first is a; see .*rejected.jsonl\)"
    )
    for _ in range(2):  # it is no finished preparation
        with pytest.raises(UserError, match=message):
            prepare(settings(source), tmp_path / "out", workers=0)
    assert len((tmp_path / "out" / "rejected.jsonl").read_text().splitlines()) == 3
    write_shard(source, tones(1))
    assert prepare(settings(source, name="other"), tmp_path / "out", workers=0)["utterances"] == 1


def test_nothing_at_all(tmp_path):
    with pytest.raises(UserError, match="nothing can be used: the sources are empty"):
        prepare(settings(corpus.write_tar(tmp_path / "x.tar", [])), tmp_path / "out", workers=0)


# the command


def test_command(tmp_path, source, capsys):
    arguments = [
        str(source),
        "-o",
        str(tmp_path / "out"),
        "--workers",
        "0",
        "--shard-size",
        "5",
        "--voice",
        "x",
    ]
    arguments += ["--format", "opus", "--name", "set", "--lang", "en-gb", "--no-align"]
    assert command.main(arguments) == 0
    out, error = capsys.readouterr()
    assert "8 utterances, 2 shards" in out and "unreadable audio: u006" in out and error == ""
    assert command.main(arguments) == 0
    again = f"{tmp_path / 'out'} was complete already: nothing was done. Its report:\n"
    assert capsys.readouterr().out == again + out
    shard = read_shard(tmp_path / "out" / "set-000000.tar")
    assert len(shard) == 5 and {suffix for suffix, _, _ in shard.values()} == {"opus"}
    assert shard["u000"][2]["lang"] == "en-gb"
    assert command.main([str(tmp_path / "none"), "-o", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err == f"prepare: {tmp_path / 'none'} does not exist\n"


def test_a_path_with_spaces(tmp_path, monkeypatch, capsys):
    """A shell has split it; and it was looked for in another folder."""
    (tmp_path / "my own" / "voice").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert command.main(["my", "own/voice", "-o", "out"]) == 1
    error = capsys.readouterr().err
    assert f"my does not exist (the current folder is {tmp_path})" in error
    assert error.endswith('; put a path with spaces in quotation marks: "my own/voice"\n')
    assert command.main(["my", "voice", "-o", "out"]) == 1
    assert "quotation" not in capsys.readouterr().err


def test_columns_of_the_command(tmp_path, capsys):
    audio = tones(1)[0][1]
    (tmp_path / "a.wav").write_bytes(audio)
    (tmp_path / "metadata.csv").write_text("a.wav|ann|Hello there.\n")
    arguments = [str(tmp_path), "-o", str(tmp_path / "out"), "--workers", "0", "--no-align"]
    assert command.main([*arguments, "--columns", "path,speaker,text"]) == 0
    meta = read_shard(tmp_path / "out" / "data-000000.tar")["a"][2]
    assert (meta["voice"], meta["text"]) == ("ann", "Hello there.")
    assert command.main([*arguments, "--columns", "path,spaeker"]) == 1
    assert "--columns: 'spaeker' is not one of audio, " in capsys.readouterr().err


def test_columns_that_are_not_clear(tmp_path, capsys):
    """One sentence, before anything is written."""
    rows = []
    for id, audio, _ in tones(3):
        (tmp_path / f"{id}.wav").write_bytes(audio)
        rows.append(f"{id}.wav|ann|Hello, {NUMBERS[len(rows)]}.")
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    arguments = [str(tmp_path), "-o", str(tmp_path / "out"), "--workers", "0", "--no-align"]
    assert command.main(arguments) == 1
    error = capsys.readouterr().err
    assert "not clear what its 3 columns are (u000.wav | ann | Hello, one.)" in error
    assert "--columns path,speaker,text" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    for columns, message in {"path,speaker": "no column of text", "path,text": "has 3 columns"}.items():
        assert command.main([*arguments, "--columns", columns]) == 1
        assert message in capsys.readouterr().err
    assert command.main([*arguments, "--columns", "path,speaker,text"]) == 0
    assert '  u000.wav: "Hello, one." (speaker: ann)\n' in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x"],
        ["x", "-o", "y", "--no-align", "--aligner", "z"],
        ["x", "-o", "y", "--min-seconds", "5", "--max-seconds", "4"],
        ["x", "-o", "y", "--max-seconds", "6000"],
        ["x", "-o", "y", "--shard-size", "0"],
        ["x", "-o", "y", "--workers", "-1"],
        ["x", "-o", "y", "--name", "../z"],
        ["x", "-o", "y", "--lang", "fr"],
        ["x", "-o", "y", "--format", "mp3"],
    ],
    ids=" ".join,
)
def test_mistakes_in_the_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command.main(arguments)
    assert caught.value.code == 2 and "Traceback" not in capsys.readouterr().err
