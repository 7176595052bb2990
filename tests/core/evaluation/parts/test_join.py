"""The table of joined parts is that of one run, but for the clock; a part that does not belong is told."""

import importlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from checkpoints import write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation import scorers
from nanospeech_core.evaluation.parts.join import join
from nanospeech_core.voices import recognition
from nanospeech_core.voices.store import load_voice

pytest.importorskip("jiwer")
pytest.importorskip("torch")
TEXTS = ("Hello there.", "Good day to you.", "A bad cafe.", "It is late now.", "Come in, please.")
FLAGS = (
    "--texts",
    "texts.jsonl",
    "--setting",
    "masked:num_iter=1",
    "--setting",
    "ode:steps=1",
    "--asr",
    "fake",
)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("parts") / "tiny")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, model) -> Path:
    """The current folder: with texts, recordings of them, and measures that depend on the wave only."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"t{i}", "text": text, "lang": "en"} for i, text in enumerate(TEXTS)]
    Path("texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    wave = load_voice(model, "heart").audio
    for i in range(len(TEXTS)):
        audio.write(f"t{i}.flac", wave[: len(wave) - 900 * i])
    monkeypatch.setattr(recognition, "recognizer", lambda *args: hear)
    monkeypatch.setattr(scorers, "voice_encoder", lambda: lambda wave: np.ones(4) / 2)
    monkeypatch.setattr(scorers, "dnsmos", lambda: lambda wave: 1 + float(np.abs(wave).mean()))
    monkeypatch.setattr(scorers, "prosody", lambda: lambda wave: (float(len(wave)), None))
    return tmp_path


def hear(wave, language):
    return TEXTS[len(wave) % len(TEXTS)]


def evaluate(*arguments, code=0):
    module = importlib.import_module("nanospeech_torch.evaluate")
    assert module.main([*map(str, arguments)]) == code


def make_parts(model, count, *flags):
    for number in range(1, count + 1):
        evaluate(model, *FLAGS, *flags, "--part", f"{number}/{count}", "--json", f"part{number}.json")
    return [f"part{number}.json" for number in range(1, count + 1)]


def without_clock(report: dict) -> dict:
    """A report without what differs from run to run."""
    text = json.dumps({key: value for key, value in report.items() if key not in ("date", "machine")})
    return json.loads(re.sub(r'"(elapsed|real_time_factor)": [^,}]+', r'"\1": 0', text))


def load(name) -> dict:
    return json.loads(Path(name).read_text())


def table(text: str) -> list[list[str]]:
    """The cells, without the real-time factor, which is the last column."""
    return [line.split()[:-1] for line in text.splitlines() if "(reference)" not in line]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_result_is_that_of_one_run(model, capsys, count):
    evaluate(model, *FLAGS, "--reference", ".", "--json", "whole.json")
    whole = capsys.readouterr().out
    parts = make_parts(model, count, "--reference", ".")
    capsys.readouterr()
    evaluate("--join", *reversed(parts), "--json", "joined.json")
    joined = capsys.readouterr().out
    assert table(joined) == table(whole) and joined.splitlines()[-1] == whole.splitlines()[-1]
    assert without_clock(load("joined.json")) == without_clock(load("whole.json"))
    assert [u["id"] for u in load("joined.json")["settings"][0]["utterances"]] == [f"t{i}" for i in range(5)]
    # the first text of each part is a warm-up
    result = load("joined.json")["settings"][0]
    timed = [(u["elapsed"], u["seconds"]) for u in result["utterances"][count:]]
    assert result["real_time_factor"] == pytest.approx(np.divide(*np.sum(timed, axis=0)))


def test_a_part_of_which_no_text_can_be_spoken(model, capsys):
    rows = [{"id": "long", "text": "ha " * 40_000}, {"id": "a", "text": "Hello."}]
    Path("texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    parts = make_parts(model, 2, "--limit", 2)
    capsys.readouterr()
    evaluate("--join", *parts)
    out, err = capsys.readouterr()
    assert "1 of 2 texts could not be spoken" in err and out.splitlines()[1].split()[1] == "2"


def test_parts_on_a_cluster(model, capsys, monkeypatch):
    """With tasks that run here: `test_evaluate_ray.py` has a cluster, but no measures."""

    def map_here(make, stream, lost, workers):
        work = make()
        for position, job, _ in stream:
            yield position, work(job)

    flags = ("--reference", ".", "--reference", "voice")
    evaluate(model, *FLAGS, *flags, "--json", "whole.json")
    monkeypatch.setattr("nanospeech_core.evaluation.evaluate.ray_map", map_here)
    evaluate(model, *FLAGS, *flags, "--engine", "ray", "--json", "cluster.json")
    assert without_clock(load("cluster.json")) == without_clock(load("whole.json"))
    parts = make_parts(model, 2, *flags, "--engine", "ray")
    evaluate("--join", *parts, "--json", "joined.json")
    assert without_clock(load("joined.json")) == without_clock(load("whole.json"))
    assert load("joined.json")["settings"][0]["similarity_voice"] == pytest.approx(1)


def failure(*files) -> str:
    with pytest.raises(UserError) as caught:
        join(files, "joined.json")
    assert not Path("joined.json").exists()
    return str(caught.value)


def test_parts_that_do_not_belong(model, capsys):
    first, second, third = make_parts(model, 3)
    assert failure(first, third) == "part 2 of 3 is missing: run its job first"
    shutil.copy(second, "again.json")
    assert failure(first, second, third, "again.json").startswith(
        "part 2/3 is there twice, in part2.json and again"
    )
    evaluate(model, *FLAGS, "--no-dnsmos", "--part", "2/3", "--json", "other.json")
    assert failure(first, "other.json", third) == (
        "other.json was measured differently than part1.json (dnsmos): run its part again"
    )
    Path("texts.jsonl").write_text(Path("texts.jsonl").read_text().replace("late", "early"))
    evaluate(model, *FLAGS, "--part", "2/3", "--json", "other.json")
    assert "differently than part1.json (the texts)" in failure(first, "other.json", third)
    report = load(second)
    Path("old.json").write_text(json.dumps({**report, "versions": {}}))
    assert "differently than part1.json (versions)" in failure(first, "old.json", third)
    for settings in (report["settings"][:1], []):
        Path("running.json").write_text(json.dumps({**report, "settings": settings}))
        assert failure(first, "running.json", third).startswith(
            "part 2 of 3 is not complete (running.json): wait"
        )
    for content in ("{}", "[]", "x", json.dumps({"part": [5, 3]})):
        Path("bad.json").write_text(content)
        assert failure(first, "bad.json") == "bad.json is not the --json of an evaluation with --part"
    assert "cannot read none.json" in failure("none.json")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--part", "1/2"), "--part needs --json, the file of the part's results"),
        (
            ("--join", "a.json"),
            "--join takes what was measured from the parts: give it only --json and --quiet",
        ),
        (("--part", "3/2", "--json", "x"), "'3/2' is not a part"),
    ],
)
def test_mistakes_in_the_arguments(capsys, flags, message):
    with pytest.raises(SystemExit):
        evaluate("--texts", "texts.jsonl", *flags)
    assert message in capsys.readouterr().err


def test_more_parts_than_texts(model, capsys):
    evaluate(model, *FLAGS, "--part", "1/9", "--json", "x.json", code=1)
    assert "9 parts of 5 texts: some would be empty; use fewer" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        evaluate(model)
    assert "required: --texts" in capsys.readouterr().err
