"""A run's report: what it reads of a log, what it draws, and that the page needs and leaks nothing."""

import base64
import io
import json
import os
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.errors import UserError
from nanospeech_torch.report import __main__ as report
from nanospeech_torch.report import chart, gallery, history, page

soundfile = pytest.importorskip("soundfile")

ROOT = Path(__file__).parents[3]
EVIL = "<script>alert('x')</script> & \"quoted\" https://example.com/x"
VOID = {"meta", "img", "i-void", "br"}


class Page(HTMLParser):
    """Elements in order, as (tag, attributes, text); checks that they are closed in turn."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag, **wanted):
        return [
            element
            for element in self.elements
            if element[0] == tag and all(element[1].get(key) == value for key, value in wanted.items())
        ]

    def charts(self):
        """Title -> {label: (steps, values)} of what is drawn."""
        result = {}
        for element in self.elements:
            if element[0] == "b":
                lines = result[element[2]] = {}
            elif element[0] == "span" and "class" in element[1] and "state" not in element[1]["class"]:
                lines[element[2].rpartition(" ")[0].strip()] = None
        groups = [e[1] for e in self.all("g") if "data-steps" in e[1]]
        for lines in result.values():
            for label in lines:
                attributes = groups.pop(0)
                pair = attributes["data-steps"].split(), attributes["data-values"].split()
                lines[label] = [int(s) for s in pair[0]], [float(v) for v in pair[1]]
        assert groups == []
        return result


def write_log(folder: Path, *entries: dict | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in entries]
    (folder / "log.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def write_samples(run: Path, step: int, seconds=(0.7, 1.3), **changes) -> Path:
    folder = run / "samples" / f"step-{step:08d}"
    folder.mkdir(parents=True)
    item = {"title": "in the voice of v0", "text": f"said at {step}", "note": "", "audio": [], "plots": []}
    for i, length in enumerate(seconds):
        wave = np.sin(np.arange(round(length * SAMPLE_RATE)) * 0.05 * (i + 1)).astype(np.float32) / 2
        audio.write(folder / f"{i}.wav", wave)
        item["audio"].append({"file": f"{i}.wav", "caption": f"way {i}", "settings": {"cfg": 1.0}})
    (folder / "p.png").write_bytes(PNG)
    item["plots"].append({"file": "p.png", "caption": "a plot"})
    (folder / "samples.json").write_text(json.dumps([item | changes]), encoding="utf-8")
    return folder


# one pixel, grey
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)

TRAINING = [
    {"step": step, "flow": 8 / step, "lr": 1e-3, "gradient": 2.0, "minutes": step / 60, "steps_per_s": 1.5}
    for step in range(20, 2001, 20)
]
FULL = [
    {"parameters": 9453649, "utterances": 1898, "device": "cpu"},
    *TRAINING[:50],
    {"step": 1000, "held_out_flow": 0.5, "held_out_duration": 0.2},
    {"step": 1000, "wer_masked": 40.0, "wer_ode": 55.0},
    *TRAINING[50:],
    {"step": 2000, "held_out_flow": 0.25, "held_out_duration": 0.3},
    {"step": 2000, "wer_masked": 12.5, "wer_ode": 20.0},
    {"step": 2000, "saved": "step-00002000.pt"},
]


def make(run: Path, max_samples=6) -> Page:
    report.report(run, max_samples=max_samples)
    return Page((run / "report.html").read_text(encoding="utf-8"))


# the log


def test_every_number_of_the_log_is_drawn(tmp_path):
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
    whole = "".join(json.dumps(entry) + "\n" for entry in TRAINING[:3])
    cut = whole[:-30]
    read = history.read_log(cut)
    assert list(read.series["flow"]) == [20, 40] and read.unreadable == 0
    assert history.read_log(whole).step == 60
    assert history.read_log(whole.rstrip("\n")).step == 60  # whole, but for the line's end


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


def test_a_number_that_nobody_foresaw_is_drawn(tmp_path):
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
def test_the_config_is_summed_up_and_given_whole(tmp_path, name, text):
    run = write_log(tmp_path / "run", *FULL)
    (run / name).write_text(text)
    made = make(run)
    settings = {element[2] for element in made.all("div")}
    assert {"taskacoustic", "data.shardsa-*.tar, b.tar"} <= settings
    assert made.all("pre")[0][2] == text and history.read_run(run).state == "finished"


def test_a_broken_config_is_shown_as_it_is(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    (run / "config.json").write_text('{"task": ')
    assert make(run).all("pre")[0][2] == '{"task": '


# samples


def test_audio_and_plots_are_in_the_page(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    write_samples(run, 1000, (0.7, 1.3))
    write_samples(run, 2000, (0.9,))
    made = make(run)
    assert [element[2] for element in made.all("h4")] == ["said at 2000", "said at 1000"]
    assert [element[2] for element in made.all("summary")] == ["step 1,000"]
    lengths = []
    for _, attributes, _ in made.all("audio"):
        kind, _, data = attributes["src"].partition(";base64,")
        assert kind == "data:audio/mpeg" and "controls" in attributes
        wave, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
        assert rate == SAMPLE_RATE and 0.3 < np.abs(wave).max() < 0.7
        lengths.append(len(wave) / rate)
    np.testing.assert_allclose(lengths, [0.9, 0.7, 1.3], atol=0.06)  # an MP3 is padded to whole blocks
    assert len(made.all("img")) == 2
    assert "cfg 1" in made.elements[made.elements.index(made.all("audio")[0]) - 1][2]


def test_a_plot_is_still_the_same_picture(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((40, 60, 4), dtype=np.uint8)
    pixels[:20, :, 0] = 255
    pixels[:, :30, 3] = 255
    image.fromarray(pixels).save(tmp_path / "p.png")
    kind, _, data = gallery.image_source(tmp_path / "p.png").partition(";base64,")
    assert kind == "data:image/webp"
    with image.open(io.BytesIO(base64.b64decode(data))) as shown:
        seen = np.asarray(shown.convert("RGBA")).astype(int)
    assert seen.shape == pixels.shape and np.array_equal(seen[..., 3], pixels[..., 3])
    assert np.abs(seen[5, 5] - (255, 0, 0, 255)).max() < 12 and np.abs(seen[35, 5, :3]).max() < 12


def test_a_plot_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    (tmp_path / "p.png").write_bytes(PNG)
    assert (
        gallery.image_source(tmp_path / "p.png") == "data:image/png;base64," + base64.b64encode(PNG).decode()
    )


@pytest.mark.parametrize(
    ("limit", "shown"), [(0, []), (1, [9]), (2, [9, 0]), (4, [9, 6, 3, 0]), (99, list(range(9, -1, -1)))]
)
def test_samples_are_spread_over_the_run_newest_first(limit, shown):
    assert gallery.spread([(step, Path()) for step in range(10)], limit) == [(step, Path()) for step in shown]
    assert gallery.spread([], limit) == []


def test_the_page_says_how_many_samples_it_leaves_out(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    for step in (500, 1000, 1500, 2000):
        write_samples(run, step, (0.2,))
    (run / "samples" / ".step-00002500.part").mkdir()  # of a killed run
    (run / "samples" / "step-00003000").mkdir()  # empty
    made = make(run, max_samples=2)
    assert [element[2] for element in made.all("h4")] == ["said at 2000", "said at 500"]
    assert any("2 of 4 steps" in element[2] for element in made.all("p"))
    assert make(run, max_samples=0).all("audio") == []


def test_damaged_samples_do_not_keep_the_rest_from_being_shown(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    write_samples(run, 1000, (0.2,))
    damaged = write_samples(run, 1500, (0.2, 0.4))
    (damaged / "0.wav").write_bytes(b"RIFF")
    (damaged / "p.png").write_bytes(b"\x89PNG")
    (write_samples(run, 2000) / "samples.json").write_text('{"half')
    made = make(run)
    assert [element[2] for element in made.all("h4")] == ["said at 1500", "said at 1000"]
    assert len(made.all("audio")) == 2
    assert any(element[2] == "samples.json cannot be read" for element in made.all("p"))


def test_a_file_outside_the_folder_is_not_taken_in(tmp_path):
    run = write_log(tmp_path / "run", *FULL)
    audio.write(tmp_path / "secret.wav", np.zeros(SAMPLE_RATE, dtype=np.float32))
    clip = {"file": "../../../secret.wav", "caption": "", "settings": {}}
    write_samples(run, 2000, (0.2,), audio=[clip], plots=[{"file": str(ROOT / "x.png"), "caption": ""}])
    made = make(run)
    assert made.all("audio") == made.all("img") == [] and made.all("h4")


# the page as a whole


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


# curves


def test_the_moving_average():
    values = np.random.default_rng(0).normal(size=40)
    for half in (0, 1, 7):
        expected = [
            values[max(0, i - min(half, i)) : i + min(half, i) + 1].mean() for i in range(len(values))
        ]
        np.testing.assert_allclose(chart.moving_average(values, half), expected, atol=1e-12)


def test_thinning_keeps_every_peak():
    steps, values = np.arange(10_000), np.ones(10_000)
    values[[17, 5003, 9998]] = (50.0, -50.0, 70.0)
    few_steps, few = chart.thin(steps, values, 100)
    assert len(few) <= 102 and {17, 5003, 9998, 0, 9999} <= set(few_steps)
    assert np.array_equal(few, values[few_steps]) and (np.diff(few_steps) > 0).all()
    assert (
        chart.thin(steps[:9], values[:9], 100)[0] is not None
        and len(chart.thin(steps[:9], values[:9])[0]) == 9
    )


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 0.00083, [0, 0.0002, 0.0004, 0.0006, 0.0008]),
        (-1.2, 1.2, [-1, -0.5, 0, 0.5, 1]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_ticks(low, high, marks):
    assert chart.ticks(low, high) == pytest.approx(marks)


def test_logarithmic_ticks():
    assert chart.log_ticks(0.08, 9) == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5])
    assert chart.log_ticks(1e-4, 1e4) == pytest.approx([1e-4, 1e-2, 1, 1e2, 1e4])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (950, "950"),
        (2500, "2.5k"),
        (2e6, "2M"),
        (0.00075, "7.5e-4"),
        (1e-5, "1e-5"),
    ],
)
def test_ticks_are_short(value, text):
    assert chart.short(value) == text


def test_curves_lie_where_their_values_are():
    steps = np.array([0, 50, 100])
    line = chart.Line("x", steps, np.array([0.0, 5.0, 10.0]))
    made = Page(chart.draw(chart.Panel("t", [line], from_zero=True), 1, 0, 100))
    (curve,) = [e[1]["d"] for e in made.all("path") if e[1].get("class") is None]
    points = np.array([pair.split() for pair in curve[1:].split("L")], dtype=float)
    inner = chart.WIDTH - chart.LEFT - chart.RIGHT
    np.testing.assert_allclose(
        points[:, 0], [chart.LEFT, chart.LEFT + inner / 2, chart.LEFT + inner], atol=0.1
    )
    assert points[0, 1] == chart.HEIGHT - chart.BOTTOM and points[2, 1] >= chart.TOP
    assert points[1, 1] == pytest.approx((points[0, 1] + points[2, 1]) / 2, abs=0.1)
    marks = {e[2]: float(e[1]["y"]) - 3.5 for e in made.all("text") if e[1].get("text-anchor") == "end"}
    assert marks["0"] == pytest.approx(points[0, 1], abs=0.1) and marks["10"] == pytest.approx(
        points[2, 1], abs=0.1
    )


def test_a_wide_range_is_drawn_logarithmically():
    def scale(values, from_zero=False):
        line = chart.Line("", np.arange(len(values)), np.array(values))
        return chart.Scale(chart.Panel("", [line], from_zero), [line.values])

    wide = scale([100.0, 1.0, 0.01])
    assert wide.log
    heights = wide.y(np.array([100.0, 1.0, 0.01]))
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])
    assert not scale([2.0, 1.0]).log and not scale([100.0, 1.0], True).log and not scale([100.0, -1.0]).log


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
