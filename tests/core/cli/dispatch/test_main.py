"""`nanospeech-mar`: its subcommands, its backend, and its messages where something is missing."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.cli.dispatch import main as program
from nanospeech_core.system import install

ROOT = Path(__file__).parents[4]
COMMANDS = {
    "generate": "mlx torch", "book": "mlx torch", "edit": "mlx torch", "voices": "mlx torch",
    "benchmark": "mlx torch",
    "evaluate": "mlx torch", "doctor": "mlx torch", "serve": "mlx torch", "wyoming": "mlx torch",
    "chat": "mlx", "prepare": "torch", "train": "torch", "report": "torch",
    "export": "torch", "diagnose": "torch", "convert": "",
}  # fmt: skip


@pytest.fixture
def called(monkeypatch):
    """What is called in place of the subcommands: (module, arguments, prog)."""
    calls = []

    def load(name: str) -> SimpleNamespace:
        assert callable(importlib.import_module(name).main)
        return SimpleNamespace(main=lambda argv, prog: calls.append((name, argv, prog)) or 7)

    monkeypatch.setattr(program, "importlib", SimpleNamespace(import_module=load))
    return calls


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_by_each_of_its_backends(called, name):
    for backend in COMMANDS[name].split():
        for flags in (["--backend", backend, name, "a"], [name, "a", f"--backend={backend}"]):
            assert program.main(flags) == 7
            module, argv, prog = called.pop()
            assert module.removesuffix(".__main__") == f"nanospeech_{backend}.{name}"
            assert (argv, prog) == (["a"], f"nanospeech-mar {name}")
    if not COMMANDS[name]:
        assert program.main([name, "a", "--", "--backend"]) == 7
        assert called == [("convert.__main__", ["a", "--", "--backend"], "nanospeech-mar convert")]


@pytest.mark.parametrize(
    ("installed", "backend"), [("mlx torch", "mlx"), ("mlx", "mlx"), ("torch", "torch"), ("", "mlx")]
)
def test_the_backend_that_is_installed(called, monkeypatch, installed, backend):
    monkeypatch.setattr(program, "is_installed", lambda name: name in installed.split())
    program.main(["generate", "--text", "--backend is no flag here"])
    assert called == [
        (
            f"nanospeech_{backend}.generate",
            ["--text", "--backend is no flag here"],
            "nanospeech-mar generate",
        )
    ]
    program.main(["train", "config.toml"])
    assert called[-1][0] == "nanospeech_torch.train"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["generat"], "there is no command 'generat'; did you mean 'generate'?"),
        (["xyz"], "there is no command 'xyz'; choose from generate, book, edit,"),
        (["--backend", "mlx", "train"], "train runs on PyTorch only: leave out --backend mlx"),
        (["chat", "--backend", "torch"], "chat runs on MLX only: leave out --backend torch"),
        (["--backend=torch", "convert"], "convert needs no backend: leave out --backend torch"),
        (["--backend", "jax", "generate"], "invalid choice: 'jax'"),
        (["--backend"], "--backend: expected one argument"),
        (["--txt", "generate"], "unrecognized arguments: --txt"),
    ],
    ids=" ".join,
)
def test_mistakes(called, capsys, argv, message):
    with pytest.raises(SystemExit) as caught:
        program.main(argv)
    captured = capsys.readouterr()
    assert caught.value.code == 2 and message in captured.err and not captured.out and not called


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]], ids=str)
def test_the_list_of_commands(capsys, argv):
    with pytest.raises(SystemExit) as caught:
        program.main(argv)
    lines = capsys.readouterr().out.splitlines()
    rows = lines[next(i for i, line in enumerate(lines) if line.startswith("commands")) + 1 :]
    assert caught.value.code == 0 and {row.split()[0] for row in rows} == set(COMMANDS)
    assert all(len(row.split(None, 1)) == 2 and len(row) < 100 for row in rows)
    assert ["(MLX)" in row for row in rows] == [COMMANDS[row.split()[0]] == "mlx" for row in rows]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(capsys, name):
    with pytest.raises(SystemExit) as caught:
        program.main([name, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: nanospeech-mar {name} ")


def test_messages_have_the_commands_name(capsys, tmp_path):
    assert program.main(["convert", "inspect", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("nanospeech-mar convert: ")
    assert program.main(["generate", "--text", "a", "--output", str(tmp_path / "no" / "a.wav")]) == 1
    assert capsys.readouterr().err.startswith("nanospeech-mar generate: cannot write")


def test_help_is_instant():
    """Nothing but argparse and the list is imported for it; no backend to find out which is there."""
    code = "import sys; from nanospeech_core.cli.dispatch.main import main\n"
    code += "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'mlx', 'torch', 'soundfile')])"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.slow
def test_finding_a_backend_does_not_import_it():
    code = "import sys; from nanospeech_core.system.install import is_installed as there\n"
    code += "names = ('mlx', 'torch'); print(*map(there, names), [n for n in names if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    expected = [importable("mlx.core"), importable("torch")]
    assert done.stdout.split(" ", 2) == [*map(str, expected), "[]\n"], done.stderr


def importable(name: str) -> bool:
    done = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, timeout=120)
    return done.returncode == 0


def test_half_an_mlx(monkeypatch, tmp_path):
    """On Linux the wheel `mlx` has no library of its own: without an extra it cannot be imported."""
    package = tmp_path / "mlx"
    for path in ("core.cpython-311-x86_64-linux-gnu.so", "lib/libmlx.so"):
        spec = type("Spec", (), {"submodule_search_locations": [str(package)]})
        monkeypatch.setattr(install.importlib.util, "find_spec", lambda name, spec=spec: spec)
        assert not install.is_installed("mlx")
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).touch()
    assert install.is_installed("mlx")
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    assert not install.is_installed("mlx") and not install.is_installed("torch")


@pytest.mark.parametrize(
    ("system", "machine", "macos", "translated", "message"),
    [
        ("Linux", "x86_64", "", False, 'pip install ".[cpu]" in'),
        ("Linux", "aarch64", "", False, '".[cuda13]"'),
        ("Darwin", "arm64", "15.1", False, 'pip install "." in'),
        ("Darwin", "arm64", "13.6.1", False, "MLX needs macOS 14 or newer, and this is 13.6.1"),
        ("Darwin", "x86_64", "15.1", True, "runs under Rosetta: MLX needs an arm64 Python, on macOS 14"),
        ("Darwin", "x86_64", "12.0", False, "MLX needs Apple Silicon, and this Mac has an Intel processor"),
        (
            "Windows",
            "AMD64",
            "",
            False,
            'not support Windows, but PyTorch does: pip install ".[torch]"',
        ),
    ],
)
def test_what_to_do_for_mlx(system, machine, macos, translated, message):
    advice = install.mlx_advice(system, machine, macos, lambda: translated)
    assert message in advice and not advice.endswith(".")
    assert ("cpu" in advice) == (system == "Linux")  # on a Mac that extra installs nothing


@pytest.mark.parametrize("extra", ["torch", "train", "chat", "evaluate", "cpu"])
def test_a_python_for_intel_on_a_mac_installs_no_extra(extra):
    """There are no wheels of MLX and PyTorch for it."""
    advice = install.pip_install(extra, "Darwin", "x86_64")
    assert f'".[{extra}]"' in advice and "arm64 Python, on macOS 14 or newer" in advice
    for system, machine in [("Darwin", "arm64"), ("Linux", "x86_64"), ("Linux", "aarch64")]:
        assert "arm64" not in install.pip_install(extra, system, machine)


def test_rosetta_is_asked_of_the_system(monkeypatch, tmp_path):
    sysctl = tmp_path / "sysctl"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not install._is_translated()  # there is none
    for answer in (0, 1):
        sysctl.write_text(f'#!/bin/sh\n[ "$2" = sysctl.proc_translated ] && echo {answer}\n')
        sysctl.chmod(0o755)
        assert install._is_translated() == bool(answer)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "prepare", "export", "report", "generate"])
def test_without_pytorch(tmp_path, command):
    """One sentence on what to install, from any of its commands."""
    (tmp_path / "config.toml").write_text('task = "vocoder"\n', encoding="utf-8")
    (tmp_path / "run").mkdir()
    voice = PRETRAINED / "voices" / "emma.flac"
    (tmp_path / "list.jsonl").write_text(json.dumps({"audio": str(voice), "text": "Hi."}), encoding="utf-8")
    arguments = {
        "train": ["config.toml"],
        "prepare": ["list.jsonl", "-o", "data", "--workers", "0"],
        "export": ["run", "-o", "out"],
        "report": ["run"],
        "generate": ["--text", "Hi.", "--output", "a.wav"],
    }[command]
    code = "import sys; sys.modules['torch'] = None\n"
    code += "from nanospeech_core.cli.dispatch.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--backend", "torch", command, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    if command != "report":  # it needs none
        assert "PyTorch" in done.stderr and 'pip install ".[t' in done.stderr, done.stderr
