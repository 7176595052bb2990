"""A run's report: what it reads of a log, what it plots, and that the page needs and leaks nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from reports import FULL, TRAINING, Page, make, write_log, write_samples

from nanospeech_core.errors import UserError
from nanospeech_torch.report import __main__ as report
from nanospeech_torch.report import chart, gallery, history, page

pytest.importorskip("soundfile")

ROOT = Path(__file__).parents[3]
EVIL = "<script>alert('x')</script> & \"quoted\" https://example.com/x"


# the log


def test_every_number_of_the_log_is_plotted(tmp_path):
    charts = make(write_log(tmp_path / "run", *FULL)).charts()
    assert {title: set(lines) for title, lines in charts.items()} == {
        "word error rate (%)": {"masked diffusion", "flow ODE"},
        "flow": {"training", "held out"},
        "duration": {"held out"},
        "learning rate": {""},
        "gradient norm": {""},
        "steps per second": {""},
    }
    assert charts["word error rate (%)"]["flow ODE"] == ([1000, 2000], [55.0, 20.0])
    assert charts["flow"]["held out"] == ([1000, 2000], [0.5, 0.25])
    steps, values = charts["flow"]["training"]
    assert steps == list(range(20, 2001, 20))
    # the mean of three neighbours, one at the very beginning
    assert values[0] == 0.4 and values[50] == pytest.approx(np.mean([8 / 1000, 8 / 1020, 8 / 1040]), rel=1e-3)


def test_the_header_has_the_main_figures(tmp_path):
    made = make(write_log(tmp_path / "run", *FULL))
    tiles = [element[2] for element in made.all("div") if "dl" not in element[2]]
    for wanted in ("step2,000", "parameters9.45 M1,898 utterances", "training time33 mincpu", "1.5"):
        assert any(wanted in tile for tile in tiles), wanted
    assert any(tile == "fewest word errors12.5 %masked diffusion, step 2,000" for tile in tiles)
    assert any(tile == "held-out flow0.25the least so far" for tile in tiles)


def test_a_half_written_last_line_is_left_out():
    complete = "".join(json.dumps(entry) + "\n" for entry in TRAINING[:3])
    cut = complete[:-30]
    read = history.read_log(cut)
    assert list(read.series["flow"]) == [20, 40] and read.unreadable == 0
    assert history.read_log(complete).step == 60
    assert history.read_log(complete.rstrip("\n")).step == 60  # complete, but for the line's end


def test_lines_that_are_no_json_are_counted(tmp_path):
    run = write_log(tmp_path / "run", TRAINING[0], "garbage\n", "[1]\n", "\n", {"step": "no"}, TRAINING[1])
    found = history.read_run(run)
    assert list(found.history.series["flow"]) == [20, 40] and found.history.unreadable == 2
    assert "2 lines of log.jsonl could not be read" in make(run).all("footer")[0][2]


def test_values_that_are_not_finite_are_left_out_and_reported(tmp_path):
    lines = ['{"step": 1, "flow": NaN, "lr": 1.0}\n', '{"step": 2, "flow": 2.0, "lr": Infinity}\n']
    run = write_log(tmp_path / "run", *lines)
    made = make(run)
    assert made.charts()["flow"]["training"] == ([2], [2.0])
    assert "2 values were not finite" in made.all("footer")[0][2]


def test_after_a_kill_the_later_line_wins():
    first = [{"step": step, "flow": 1.0, "held_out_flow": 5.0} for step in (10, 20, 30, 40)]
    second = [{"step": step, "flow": 2.0} for step in (25, 35)]  # other steps: log_every has changed
    text = lambda entries: "".join(json.dumps(entry) + "\n" for entry in entries)  # noqa: E731
    resumed = history.read_log(text([*first, {"resumed": "step-20.pt", "step": 20}, *second]))
    assert resumed.series["flow"] == {10: 1.0, 20: 1.0, 25: 2.0, 35: 2.0} and resumed.resumed == 1
    assert resumed.series["held_out_flow"] == {10: 5.0, 20: 5.0}
    untold = history.read_log(text([*first, *second]))  # a run that logs no resumption
    assert untold.series["flow"] == resumed.series["flow"]
    assert history.read_log(text([*first, {"resumed": "step-20.pt", "step": 20}])).step == 20


def test_a_vocoders_log(tmp_path):
    entries = [
        {
            "step": step,
            "seconds": step / 2,
            "mel": 1 / step,
            "discriminator": 1.0,
            "grad_norm": 9.0,
            "lr": 1e-3,
        }
        for step in range(50, 501, 50)
    ]
    entries[-1]["held_out_mel"] = 0.3
    made = make(write_log(tmp_path / "run", *entries))
    charts = made.charts()
    assert list(charts) == ["mel", "discriminator", "gradient norm", "learning rate"]
    assert set(charts["mel"]) == {"training", "held out"}
    assert any(element[2] == "training time4 min" for element in made.all("div"))


def test_an_unknown_number_is_plotted(tmp_path):
    entries = [{"step": 1, "weird_thing": -3, "flag": True, "name": "x", "skipped": {"no audio": 2}}]
    made = make(write_log(tmp_path / "run", *entries))
    assert made.charts() == {"weird thing": {"training": ([1], [-3.0])}}
    assert "skipped in training: 2: no audio" in made.all("footer")[0][2]


@pytest.mark.parametrize(
    ("config", "age", "state"),
    [
        ({"optimizer": {"steps": 2000}}, 0, "finished"),
        ({"steps": 100_000, "minutes": 33.4}, 0, "finished"),
        ({"optimizer": {"steps": 100_000, "minutes": 0}}, 0, "running"),
        ({"optimizer": {"steps": 100_000}}, 3600, "stopped"),
        (None, 3600, "stopped"),
    ],
)
def test_the_state_of_a_run(tmp_path, config, age, state):
    run = write_log(tmp_path / "run", *FULL)
    if config is not None:
        (run / "config.json").write_text(json.dumps(config))
    os.utime(run / "log.jsonl", (time.time() - age,) * 2)
    assert history.read_run(run).state == state
    assert make(run).all("span", **{"class": f"state {state}"})[0][2] == state


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "config.json",
            '{"task": "acoustic", "data": {"shards": ["a-*.tar", "b.tar"]}, "optimizer": {"steps": 9}}',
        ),
        ("config.toml", 'task = "acoustic"\n[data]\nshards = ["a-*.tar", "b.tar"]\n[optimizer]\nsteps = 9\n'),
    ],
)
def test_the_config_is_summarized_and_given_completely(tmp_path, name, text):
    run = write_log(tmp_path / "run", *FULL)
    (run / name).write_text(text)
    made = make(run)
    settings = {element[2] for element in made.all("div")}
    assert {"taskacoustic", "data.shardsa-*.tar, b.tar"} <= settings
    assert made.all("pre")[0][2] == text and history.read_run(run).state == "finished"


def test_a_broken_config_is_printed_as_it_is(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    (run / "config.json").write_text('{"task": ')
    assert make(run).all("pre")[0][2] == '{"task": '


# the entire page


def test_the_page_fetches_nothing_and_escapes_everything(tmp_path):
    run = write_log(
        tmp_path / "run <b>&amp;",
        {"parameters": 7, "device": EVIL},
        {"step": 10, EVIL: 1.0, f"wer_{EVIL}": 3.0, "steps_per_s": 1.0, "minutes": 3.0},
        {"step": 20, EVIL: 2.0, f"held_out_{EVIL}": 3.0, "skipped": {EVIL: 1}},
    )
    (run / "config.json").write_text(json.dumps({"task": EVIL, "data": {"shards": [EVIL]}}))
    clip = {"file": "0.wav", "caption": EVIL, "settings": {EVIL: EVIL}}
    plot = {"file": "p.png", "caption": EVIL}
    write_samples(run, 20, (0.2,), title=EVIL, text=EVIL, note=EVIL, audio=[clip], plots=[plot])
    made = make(run)
    (script,) = made.all("script")
    assert "alert" not in script[2] and script[1] == {}
    assert made.all("h4")[0][2] == EVIL and made.all("img")[0][1]["alt"] == EVIL
    assert made.all("h1")[0][2] == made.all("title")[0][2] == "run <b>&amp;"
    assert EVIL in made.all("figcaption")[0][2] and json.dumps(EVIL)[1:-1] in made.all("pre")[0][2]
    for tag, attributes, _ in made.elements:
        assert tag not in ("link", "iframe", "base", "object", "embed", "form")
        assert not {
            name for name in attributes if name.startswith("on") or name in ("href", "srcset", "style")
        }
        if "src" in attributes:
            assert attributes["src"].startswith("data:")
    (style,) = made.all("style")
    assert "url(" not in style[2] and "@import" not in style[2] and "http" not in style[2] + script[2]
    (policy,) = made.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy[1]["content"].startswith("default-src 'none'")
    ids = [attributes["id"] for _, attributes, _ in made.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_page_stays_small_however_long_the_run(tmp_path):
    rng = np.random.default_rng(0)
    entries = [{"step": i, "flow": float(v), "lr": 1e-3} for i, v in enumerate(rng.uniform(1, 2, 20_000), 1)]
    run = write_log(tmp_path / "run", *entries)
    made = make(run)
    assert (run / "report.html").stat().st_size < 100_000
    steps, _ = made.charts()["flow"]["training"]
    assert steps[0] == 1 and steps[-1] == 20_000 and len(steps) <= chart.POINTS + 2


def test_there_is_a_panel_where_only_one_step_is_logged(tmp_path):
    assert make(write_log(tmp_path / "run", TRAINING[0])).charts()["flow"]["training"] == ([20], [0.4])


# the command


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda run: None, "does not exist"),
        (lambda run: run.mkdir(), "is not a training run: it has no log.jsonl"),
        (lambda run: write_log(run), "has no step yet"),
        (lambda run: write_log(run, {"parameters": 5}), "has no step yet"),
        (lambda run: write_log(run, '{"step": 2'), "has no step yet"),
    ],
)
def test_a_run_that_cannot_be_reported(tmp_path, capsys, prepare, words):
    run = tmp_path / "run"
    prepare(run)
    assert report.main([str(run)]) == 1
    error = capsys.readouterr().err
    assert (
        error.startswith("python -m nanospeech_torch.report: ") and words in error and error.count("\n") == 1
    )
    assert not (run / "report.html").exists()


def test_a_page_that_cannot_be_written(tmp_path, capsys):
    run = write_log(tmp_path / "run", *FULL)
    assert report.main([str(run), "-o", str(tmp_path / "no" / "x.html")]) == 1
    assert "no folder" in capsys.readouterr().err
    before = (run / "log.jsonl").read_bytes()
    assert report.main([str(run), "-o", str(run / "log.jsonl")]) == 1
    assert "is the run's log" in capsys.readouterr().err and (run / "log.jsonl").read_bytes() == before
    with pytest.raises(SystemExit, match="2"):
        report.main([str(run), "--max-samples", "-1"])
    with pytest.raises(UserError):
        report.report(run, run)


def test_the_command_needs_no_torch(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    write_samples(run, 2000, (0.2,))
    code = (
        "import sys; sys.modules['torch'] = sys.modules['matplotlib'] = None; "
        "from nanospeech_torch.report.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, str(run), "-o", str(tmp_path / "page.html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path / 'page.html'}, 0.") and done.stdout.count("\n") == 1
    assert Page((tmp_path / "page.html").read_text(encoding="utf-8")).all("audio")


def test_settings_in_words():
    assert (
        gallery.format_settings({"num_iter": 12, "cfg": 1.0, "method": "euler"})
        == "num iter 12, cfg 1, method euler"
    )
    assert page.clock(0.4) == "24 s" and page.clock(59.6) == "1 h 00 min" and page.clock(125) == "2 h 05 min"
