"""`nanospeech-mar doctor`: each check, forced to fail, has its line, its advice and exit code 1; its JSON."""

import json
import os
import resource
import time
from dataclasses import replace

import commands
import pytest
from backends import NAMES, Backend

from nanospeech_core.cli import doctor
from nanospeech_core.doctor import checks, finding, software
from nanospeech_core.doctor.finding import NOTE, OK, WRONG, Finding

# Code that breaks the machine, run at the start of the process of the checks: (check, code, text, advice).
FAULTS = [
    (
        "package",
        "from importlib import metadata; true = metadata.version\n"
        "metadata.version = lambda name: '0.31.1' if name == 'mlx' else true(name)",
        "mlx 0.31.1 is installed, ",
        "in a new virtual environment: pip install",
    ),
    (
        "dependencies",
        "import sys; sys.modules['soxr'] = None",
        "soxr: not installed",
        'pip install --force-reinstall "soxr',
    ),
    (
        "extras",
        "import importlib.util as util; util.find_spec = lambda name: 1 / 0",
        "ZeroDivisionError",
        "again",
    ),
    ("machine", "import os; os.getloadavg = os.abort", "it ended its process (SIGABRT)", "report this"),
    ("environment", "import os; os.environ = None", "AttributeError", "report this"),
    (
        "embedded-model",
        "import hashlib; hashlib.sha256 = hashlib.md5",
        "model.safetensors was changed",
        "again",
    ),
    (
        "folders",
        "import tempfile; tempfile.tempdir = '/dev/null'",
        "the temporary folder cannot",
        "set TMPDIR to",
    ),
    (
        "hub-cache",
        "import os; os.walk = lambda top: 1 / 0; os.path.isdir = lambda name: True",
        "Error",
        "huggingface_hub",
    ),
    (
        "english",
        "import sys; sys.modules['espeakng_loader'] = None",
        "phonemes need espeak-ng",
        "espeakng-loader",
    ),
    (
        "chinese",
        "import sys; sys.modules['pypinyin'] = None",
        "pypinyin",
        "pip install --force-reinstall rjieba",
    ),
    (
        "audio-files",
        "import soundfile; soundfile.write = lambda *a, **k: 1 / 0",
        "ZeroDivisionError",
        "soundfile soxr",
    ),
    (
        "audio-devices",
        "import sys; sys.modules['sounddevice'] = sys",
        "AttributeError",
        "see whether other programs",
    ),
    (
        "device",
        "import sys; sys.modules['mlx'] = sys.modules['torch'] = None",
        " cannot be imported: ",
        "pip install",
    ),
    (
        "products",
        "import torch; torch.backends.mkl.is_available = lambda: 1 / 0",
        "ZeroDivisionError",
        "report this",
    ),
    (
        "golden-values",
        "from nanospeech_core.doctor import golden\n"
        "golden.NETWORKS['head'] = lambda model: golden.head(model) + 0.1",
        "is expected of head",
        "report this",
    ),
    (
        "float32",
        "from nanospeech_core.pipeline import Pipeline; true = Pipeline.speak\n"
        "def speak(self, *texts, **options):\n"
        "    for speech in true(self, *texts, **options):\n"
        "        speech.wave[:] = 0\n        yield speech\n"
        "Pipeline.speak = speak",
        "the sound is silence",
        "do not speak in float32",
    ),
    (
        "float16",
        "import os; from nanospeech_core.checkpoints import folder\n"
        "folder.load_folder = lambda *a: os.abort()\n"
        "from nanospeech_core.checkpoints import vocoder; vocoder.load_folder = lambda *a: os.abort()",
        "it ended its process (SIGABRT)",
        "use another precision than float16",
    ),
    (
        "bfloat16",
        "from nanospeech_core.doctor import golden; golden.OPTIONS['seed'] = 8",
        "; at most 0.05 is expected",
        "do not speak in bfloat16",
    ),
]
SILENT = "import sys; sys.modules['sounddevice'] = None"
ENTRIES = ["format", "date", "version", "backend", "status", "seconds", "checks"]
CHECK_ENTRIES = ["name", "status", "text", "advice", "seconds", "values"]


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A function that makes new processes run code at their start."""

    def break_(code: str) -> None:
        (tmp_path / "sitecustomize.py").write_text(code + "\n", encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{commands.ROOT}")

    return break_


def only(monkeypatch, *names: str, limit: float | None = None) -> None:
    """Leave out all checks but these."""
    chosen = {backend: [one for one in checks.checks_for(backend) if one.name in names] for backend in NAMES}
    if limit is not None:
        chosen = {backend: [replace(one, limit=limit) for one in some] for backend, some in chosen.items()}
    monkeypatch.setattr(doctor, "checks_for", chosen.__getitem__)


def run(backend: str, *arguments: object, code: int = 0) -> str:
    """The output of a backend's command, run here; its checks run in their own process."""
    done = commands.in_this_process(f"nanospeech_{backend}.doctor", *arguments)
    assert done.err == "" and done.code == code, done
    return done.out


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault", "text", "advice"), FAULTS, ids=[name for name, *_ in FAULTS])
def test_a_fault_has_its_line_its_advice_and_exit_code_1(
    broken, monkeypatch, tmp_path, name, fault, text, advice
):
    only(monkeypatch, name)
    broken(fault)
    if name in ("folders", "environment"):
        monkeypatch.setattr(doctor, "WIDTH", 1000)
    Backend("torch")
    shown = run("torch", "--json", tmp_path / "doctor.json", code=1)
    (line,) = [row for row in shown.splitlines() if row.startswith("wrong")]
    assert line.split()[1] == name
    flat = " ".join(shown.split())
    assert text in flat
    assert advice in flat.partition("-> ")[2]
    assert f"Something is wrong: {name}" in flat
    report = json.loads((tmp_path / "doctor.json").read_text(encoding="utf-8"))
    assert report["status"] == WRONG and report["checks"][0]["name"] == name
    assert text in report["checks"][0]["text"] and advice in report["checks"][0]["advice"]


def test_every_check_has_a_fault():
    names = {check.name for backend in NAMES for check in checks.checks_for(backend)}
    assert names - {"8-bit"} == {name for name, *_ in FAULTS}  # tests/mlx/doctor has that one's


@pytest.mark.slow
def test_a_check_that_hangs_does_not_stop_the_next(broken, monkeypatch):
    only(monkeypatch, "english", "machine", limit=5)
    broken("import time, os; os.getloadavg = lambda: time.sleep(600)")
    started = time.monotonic()
    shown = run("torch", code=1)
    assert time.monotonic() - started < 60
    assert "no answer within 5 s" in " ".join(shown.split())
    assert "\nok    english" in shown


@pytest.mark.slow
def test_a_crash_at_the_end_is_seen(broken, monkeypatch):
    only(monkeypatch, "english")
    broken("import atexit, os; atexit.register(os.abort)")
    shown = run("torch", code=1)
    assert "ok    english" in shown and "wrong exit" in shown and "SIGABRT" in shown


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_all_of_it(name, tmp_path):
    """With the embedded model. In seconds of work, as the machine may do other things."""
    Backend(name)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = run(name, "--json", tmp_path / "doctor.json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 40  # 20 s on two cores
    report = json.loads((tmp_path / "doctor.json").read_text(encoding="utf-8"))
    assert list(report) == ENTRIES
    assert (report["format"], report["backend"]) == (1, name) and report["status"] in (OK, NOTE)
    names = [check.name for check in checks.checks_for(name)]
    assert [check["name"] for check in report["checks"]] == [*names, "exit"]
    assert all(list(check) == CHECK_ENTRIES for check in report["checks"])
    rows = [row for row in shown.splitlines() if row.split()[:1] and row.split()[0] in finding.STATUSES]
    assert [row.split()[:2] for row in rows] == [[c["status"], c["name"]] for c in report["checks"]]
    assert shown.splitlines()[-1].startswith("Everything works.")
    results = {check["name"]: check["values"] for check in report["checks"]}
    assert set(results["golden-values"]["errors"]) == {
        *("transformer", "head", "durations", "vocoder", "long_transformer", "aligner")
    }
    for precision in checks.PRECISIONS[name]:
        values = results[precision]
        assert 0 < values["real_time_factor"] and 0 < values["first_sound"]
        assert values["mel_difference"] <= values["mel_bound"] and values["level"] > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_is_installed(name, broken):
    """The command itself needs the standard library only, and says what is missing."""
    absent = ["mlx", "torch", *software.REQUIRED.values()]
    broken(f"import sys; sys.modules.update(dict.fromkeys({absent!r}))")
    done = commands.in_a_process(
        f"nanospeech_{name}.doctor", "--json", env={"PYTHONPATH": os.environ["PYTHONPATH"]}
    )
    assert done.code == 1 and done.err == ""
    report = json.loads(done.out)
    found = {check["name"]: check for check in report["checks"]}
    assert found["dependencies"]["status"] == found["device"]["status"] == WRONG
    assert "numpy: not installed" in found["dependencies"]["text"]
    assert "pip install" in found["device"]["advice"]
    for check in ("products", "golden-values", *checks.PRECISIONS[name]):
        assert found[check]["status"] == NOTE
        assert found[check]["text"] == "not checked, because of what is wrong with device"
    assert found["package"]["status"] == OK


@pytest.mark.slow
def test_without_a_home_that_can_be_written_and_without_sound(broken, monkeypatch):
    only(monkeypatch, "folders", "hub-cache", "english", "chinese", "audio-devices")
    broken(SILENT)
    monkeypatch.setenv("HOME", "/dev/null/home")
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "NANOSPEECH_DATA", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    shown = run("torch")
    assert "note  folders" in shown and "set NANOSPEECH_DATA to a folder" in shown
    assert "note  audio-devices" in shown and "--output" in shown
    assert "ok    english" in shown and "ok    chinese" in shown


def fixed(*findings: Finding):
    return lambda checks: (one for one in findings)


@pytest.fixture
def three(monkeypatch):
    """Three findings, one of each status, in place of the checks."""
    home = os.path.expanduser("~")
    found = (
        Finding(OK, f"in {home}/data", "", {"folder": f"{home}/data"}, "first", 0.1),
        Finding(NOTE, "it is slow", "wait", {}, "second", 0.2),
        Finding(WRONG, "it is broken " * 10, f"mend {home}/x", {"numbers": [1, 2]}, "third", 0.3),
    )
    monkeypatch.setattr(doctor, "run_checks", lambda checks: (one for one in found))
    return found


def test_the_text(three):
    shown = run("mlx", code=1)
    lines = shown.splitlines()
    assert lines[0].endswith("on MLX: 19 checks") and lines[1] == ""
    assert lines[2] == "ok    first           in ~/data"
    assert lines[3:5] == ["note  second          it is slow", f"{'':22}-> wait"]
    assert lines[5].startswith("wrong third           it is broken")
    assert lines[6].startswith(f"{'':22}broken it is")
    assert lines[7] == f"{'':22}-> mend ~/x"
    assert lines[9].startswith("Something is wrong: third. The lines that begin with -> say what to do. (")
    assert max(map(len, lines)) <= doctor.WIDTH


@pytest.mark.parametrize("flags", [["--json"], ["--json", "-"]], ids=len)
def test_json_in_place_of_the_text(three, flags):
    report = json.loads(run("mlx", *flags, code=1))
    assert list(report) == ENTRIES and report["status"] == WRONG
    assert report["checks"][0] == {
        "name": "first",
        "status": "ok",
        "text": "in ~/data",
        "advice": "",
        "seconds": 0.1,
        "values": {"folder": "~/data"},
    }
    assert report["checks"][2]["values"] == {"numbers": [1, 2]}


def test_json_in_a_file_beside_the_text(three, tmp_path):
    shown = run("torch", "--json", tmp_path / "a.json", code=1)
    assert shown.startswith("nanospeech-mar ") and "on PyTorch: 18 checks" in shown
    assert len(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["checks"]) == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_a_file_that_cannot_be_written_is_refused_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "run_checks", lambda checks: pytest.fail("it ran"))
    done = commands.in_this_process("nanospeech_mlx.doctor", "--json", tmp_path / "none" / "a.json")
    assert done.code == 1 and done.out == ""
    assert done.err.startswith("python -m nanospeech_mlx.doctor: cannot write") and done.err.count("\n") == 1


def test_notes_are_no_fault(three, monkeypatch):
    monkeypatch.setattr(doctor, "run_checks", fixed(*three[:2]))
    assert "Everything works. There are notes on second." in run("mlx")
    monkeypatch.setattr(doctor, "run_checks", fixed(three[0]))
    assert "Everything works. (" in run("mlx")
