"""`python -m nanospeech_{mlx,torch}.benchmark`: its table, its JSON and its mistakes."""

import json
import os
import re
from pathlib import Path
from statistics import median

import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.evaluation import benchmark

# A sentence of the tiny model is longer than 8 tokens, so that no iteration is left out.
SENTENCE = "Hello there, how are you today?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module", params=NAMES)
def backend(request) -> Backend:
    return Backend(request.param)


def run(backend: Backend, capsys, *arguments: object, code: int = 0) -> tuple[str, str]:
    assert backend.module("benchmark").main([*map(str, arguments)]) == code
    return capsys.readouterr()


@pytest.mark.slow
def test_table_and_json(backend: Backend, folder: Path, tmp_path: Path, capsys) -> None:
    settings = ("masked:num_iter=3", "ode:steps=2,method=rk4,cfg=2")
    flags = [part for setting in settings for part in ("--setting", setting)]
    output = tmp_path / "speed.json"
    texts = ("Hello there.", "This is the first of two sentences. And here comes the second one.")
    flags += [part for text in texts for part in ("--text", text)]
    out, err = run(backend, capsys, folder, *flags, "--runs", 3, "--json", output, "--quiet")
    assert err == ""
    facts, times, _, heads, *lines = out.splitlines()
    assert f"nanospeech_{backend.name}, {folder}, " in facts and f"{os.cpu_count()} CPUs" in facts
    assert "medians of 3 runs" in times
    assert heads.startswith("text") and ("mx.eval" in heads) == (backend.name == "mlx")
    assert [line[:6] for line in lines] == ["text 1", "text 1", "text 2", "text 2"]
    cells = re.split("  +", lines[0]), re.split("  +", lines[1])
    assert cells[0][:3] == ["text 1", settings[0], "float32"]
    counted = [row[re.split("  +", heads).index("passes") :] for row in cells]
    evals = [["2"], ["1"]] if backend.name == "mlx" else [[], []]
    assert counted == [["3", "12", *evals[0]], ["8 x 2", "0", *evals[1]]]

    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["backend"] == f"nanospeech_{backend.name}" and report["device"]
    assert report["versions"]["numpy"] and report["machine"]["cpus"] == os.cpu_count()
    assert report["threads"]["OMP_NUM_THREADS"] == os.environ["OMP_NUM_THREADS"]
    assert list(report["texts"].values()) == list(texts)
    (load,) = report["loads"]
    assert len(load["runs"]) == 3 and load["load"] == median(load["runs"]) > 0
    assert len(report["results"]) == 4
    for number, result in enumerate(report["results"]):
        sentences = 1 + number // 2
        assert result["setting"] == settings[number % 2] and result["sentences"] == sentences
        passes = result["counts"]["transformer"]
        assert passes == {"calls": (3, 8)[number % 2] * sentences, "rows": (3, 16)[number % 2] * sentences}
        assert len(result["runs"]["elapsed"]) == 3
        assert result["elapsed"] == median(result["runs"]["elapsed"])
        assert result["first_sound"] == median(result["runs"]["first_sound"]) <= result["elapsed"]
        assert result["real_time_factor"] == pytest.approx(result["elapsed"] / result["seconds"])
        if backend.name == "mlx":
            assert result["peak_memory"] > 10_000
    first, paragraph = report["results"][0], report["results"][2]
    assert first["options"]["num_iter"] == 3 and first["options"]["diffusion_steps"] == 4
    assert report["results"][1]["options"]["method"] == "rk4"
    assert paragraph["first_sound"] < 0.9 * paragraph["elapsed"]  # the second sentence is not waited for


@pytest.mark.slow
def test_compiling_is_reported(backend: Backend, folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    if backend.name == "torch":  # its compiler takes long
        monkeypatch.setattr(backend.framework, "compile", lambda function, **options: function)
    else:  # which compiles on a GPU only
        monkeypatch.setattr(backend.module("device.kernels"), "on_gpu", lambda: True)
    flags = [part for text in ("Hello.", "Hello there.") for part in ("--text", text)]
    flags += ["--setting", "masked:num_iter=3,diffusion_steps=2", "--setting", "ode:steps=1"]
    output = tmp_path / "speed.json"
    out, _ = run(backend, capsys, folder, *flags, "--runs", 1, "--json", output, "--quiet", "--compile")
    heads, *lines = (re.split("  +", line) for line in out.splitlines()[3:])
    place = heads.index("compiling, ms")
    assert heads[place : place + 3] == ["compiling, ms", "shapes", "hits"]
    report = json.loads(output.read_text(encoding="utf-8"))
    masked, ode = report["results"][::2], report["results"][1::2]
    for result, cells in zip(masked, lines[::2], strict=True):
        assert result["misses"] + result["hits"] == 3 == result["counts"]["transformer"]["calls"]
        assert cells[place + 1 : place + 3] == [str(result["misses"]), str(result["hits"])]
        assert result["compiling"] == result["cold"] - result["elapsed"]
    assert masked[0]["misses"] >= 1
    assert all(result[key] is None for result in ode for key in ("compiling", "misses", "hits"))


def test_a_quantized_folder_is_reported(folder: Path, tmp_path: Path, capsys) -> None:
    from convert.quantize import quantize_folder

    out = quantize_folder(folder, 8, 32, tmp_path / "out")
    arguments = ("--text", "Hello.", "--setting", "masked:num_iter=1", "--runs", 1, "--quiet", "--json")
    run(Backend("mlx"), capsys, out, *arguments, tmp_path / "speed.json")
    report = json.loads((tmp_path / "speed.json").read_text())
    assert report["quantization"] == {"group_size": 32, "bits": 8, "mode": "affine"}


@pytest.mark.slow
def test_the_usual_settings_have_a_stream(backend: Backend, folder: Path, tmp_path: Path, capsys) -> None:
    """Without one, the first sound would come after the entire sentence."""
    arguments = ("--text", SENTENCE, "--runs", 1, "--quiet", "--json", tmp_path / "speed.json")
    run(backend, capsys, folder, *arguments)
    results = json.loads((tmp_path / "speed.json").read_text())["results"]
    assert [result["setting"] for result in results] == list(benchmark.DEFAULT_SETTINGS)
    (stream,) = (result for result in results if "stream" in result["setting"])
    assert stream["first_sound"] < stream["elapsed"]


@pytest.mark.slow
def test_a_model_without_a_head(backend: Backend, tmp_path: Path, capsys) -> None:
    folder = write_checkpoint(tmp_path / "flow", config=tiny_config(diffusion=None))
    arguments = (folder, "--text", "Hello.", "--runs", 1, "--quiet")
    out, _ = run(backend, capsys, *arguments)
    assert [line.split()[2] for line in out.splitlines()[4:]] == ["ode", "ode:method=rk4"]
    _, err = run(backend, capsys, *arguments, "--setting", "masked", code=1)
    assert "no diffusion head" in err and err.count("\n") == 1


def test_a_busy_machine_gives_a_warning(folder: Path, capsys, monkeypatch) -> None:
    arguments = (folder, "--text", "Hello.", "--setting", "ode:steps=1", "--runs", 1)
    for load, warned in ((99.0, True), (0.0, False)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, load, load))
        _, err = run(Backend("torch"), capsys, *arguments)
        assert ("the machine is busy (load average 99.0)" in err) == warned


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--setting", "maskd"], 2, "did you mean 'masked'?"),
        (["--setting", "masked:steps=3"], 2, "masked has no option 'steps'"),
        (["--setting", "ode", "--setting", "ode"], 2, "the same --setting is named twice: remove one"),
        (["--length", "short", "--length", "short"], 2, "the same --length is named twice"),
        (["--length", "long"], 2, "invalid choice: 'long'"),
        (["--precision", "int8"], 2, "invalid choice: 'int8'"),
        (["--text", "Hello.", "--length", "short"], 2, "cannot be used together"),
        (["--runs", "0"], 2, "--runs must be from 1 to 1000, not 0"),
        (["--text", " "], 1, "--text is empty"),
        (["no/such/folder"], 1, "does not exist"),
        (["--json", "no/such/folder.json"], 1, "there is no folder no/such"),
        (["--voice", "nobody", "--length", "short", "--runs", "1"], 1, "nobody"),
    ],
)
def test_mistakes(arguments: list[str], code: int, sentence: str, folder: Path, capsys) -> None:
    main = Backend("torch").module("benchmark").main
    if code == 2:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2
    else:
        assert (
            main([*arguments, "--quiet"] if arguments[0][0] != "-" else [str(folder), *arguments, "--quiet"])
            == 1
        )
    out, err = capsys.readouterr()
    assert sentence in err and not out
