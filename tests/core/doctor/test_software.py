"""What is installed, in which versions; the tables and pyproject.toml say the same."""

import platform
import sys
from importlib import metadata
from pathlib import Path

import pytest

from nanospeech_core.doctor import software
from nanospeech_core.doctor.finding import NOTE, OK, WRONG

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"mlx-lm": "mlx_lm", "faster-whisper": "faster_whisper", "python-multipart": "python_multipart"}


def names(lines: list[str]) -> set[str]:
    """Package names without versions, extras and markers; none of those for some systems only."""
    return {line.split(">")[0].split("=")[0].split("[")[0].strip() for line in lines if ";" not in line}


@pytest.fixture
def installed(monkeypatch):
    """The versions of all packages, to be changed."""
    versions: dict[str, str | None] = {}
    monkeypatch.setattr(software, "version", lambda name: versions.get(name, "1.0"))
    monkeypatch.setattr(software, "requirements", lambda: {"mlx": ">=0.32,<0.34", "torch": ">=2.6"})
    return versions


def test_the_table_has_every_dependency():
    assert names(PROJECT["dependencies"]) == set(software.REQUIRED)


def test_the_table_has_the_extras():
    without = {"cpu", "cuda12", "cuda13", "zh", "test", "peers"}  # of MLX, empty, and for developers
    assert set(PROJECT["optional-dependencies"]) - without == set(software.EXTRAS)
    for extra, modules in software.EXTRAS.items():
        wanted = {MODULES.get(name, name) for name in names(PROJECT["optional-dependencies"][extra])}
        assert set(modules) == {name.partition("-")[0] for name in wanted} - {"webrtcvad"}


def test_this_machine():
    finding = software.check_package()
    assert finding.status == OK
    assert f"Python {platform.python_version()} ({platform.machine()})" in finding.text
    assert finding.values["version"] == metadata.version("nanospeech-mar")
    assert finding.values["frameworks"]
    dependencies = software.check_dependencies()
    assert dependencies.status == OK and "numpy " in dependencies.text and "libsndfile 1" in dependencies.text
    assert list(dependencies.values["packages"]) == list(software.REQUIRED)


@pytest.mark.parametrize(
    ("versions", "fault"),
    [
        ({"mlx": "0.32.4", "mlx-cpu": "0.32.4", "torch": "2.13.0+cpu"}, None),
        ({"mlx": "0.33.0", "mlx-metal": "0.33.0"}, None),
        ({"mlx": "0.31.2"}, "mlx 0.31.2 is installed, >=0.32,<0.34 is needed"),
        ({"mlx": "0.34.0"}, "mlx 0.34.0 is installed, >=0.32,<0.34 is needed"),
        ({"torch": "2.5.1"}, "torch 2.5.1 is installed, >=2.6 is needed"),
        ({"mlx": "0.32.4", "mlx-cpu": "0.32.2"}, "mlx-cpu 0.32.2 does not belong to mlx 0.32.4"),
        ({"mlx-cpu": "0.32.4", "mlx-cuda-12": "0.32.4"}, "mlx-cpu and mlx-cuda-12 overwrite each other"),
    ],
)
def test_versions_of_the_frameworks(installed, versions, fault):
    installed.update(dict.fromkeys(software.VERSIONS), **versions)
    finding = software.check_package()
    if fault is None:
        assert finding.status == OK and not finding.advice
    else:
        assert finding.status == WRONG and finding.text.endswith(fault)
        assert finding.advice.startswith("in a new virtual environment: pip install")


def test_an_intel_python_on_a_mac(monkeypatch, installed):
    installed.update(dict.fromkeys(software.VERSIONS))
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "x86_64"))
    finding = software.check_package()
    assert (
        finding.status == NOTE
        and "macOS 15.1" in finding.text
        and finding.advice.startswith("MLX needs Apple")
    )


def test_an_old_and_a_missing_package(monkeypatch, installed):
    monkeypatch.setattr(software, "requirements", lambda: {"numpy": ">=1.26", "soxr": ">=0.4"})
    installed["numpy"] = "1.25.2"
    monkeypatch.setitem(sys.modules, "soxr", None)
    finding = software.check_dependencies()
    assert finding.status == WRONG
    assert finding.text == "numpy 1.25.2 is installed, >=1.26 is needed; soxr: not installed"
    assert finding.advice == 'pip install --force-reinstall "numpy>=1.26" "soxr>=0.4"'
    assert finding.values["packages"]["soxr"] == {
        "version": "1.0",
        "needed": ">=0.4",
        "error": "not installed",
    }


def test_a_broken_package(monkeypatch):
    def broken(name):
        raise OSError("libsndfile.so: cannot open")

    monkeypatch.setattr(software.importlib, "import_module", broken)
    finding = software.check_dependencies()
    assert "soundfile: OSError: libsndfile.so: cannot open" in finding.text
    assert "sounddevice" not in finding.text  # it is not imported here


def test_extras(monkeypatch):
    monkeypatch.setattr(software, "is_installed", lambda name: name not in ("av", "mlx_lm"))
    finding = software.check_extras()
    assert finding.status == OK
    assert finding.text.startswith(
        "installed: torch, hub, evaluate, wyoming, cluster, train; "
        "not installed: reference, chat, serve, book ("
    )
    assert finding.values["reference"] == {
        "installed": False,
        "missing": ["av"],
        "install": 'pip install ".[reference]" in the folder of the nanospeech-mar repository',
    }


@pytest.mark.parametrize(
    ("found", "wanted", "fits"),
    [
        ("1.26.4", ">=1.26", True),
        ("1.26", ">=1.26.1", False),
        ("2.13.0+cpu", ">=2.6", True),
        ("0.9.4.post1", ">=0.10", False),
        ("1.9", ">=1.9,<2", True),
        ("2.0", "<2,>=1.9", False),
        ("2.13", "==2.13.0", True),
        ("1", "", True),
        ("4.0rc1", ">=4", True),
    ],
)
def test_versions(found, wanted, fits):
    assert software.fits(found, wanted) is fits
