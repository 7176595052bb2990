"""Every command on odd machines: closed or full streams, old locales, a deleted current folder."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nanospeech_core.system.process import command, lenient_streams

ROOT = Path(__file__).parents[3]


def run(*argv: str, shell: str = "", **environment: str | None) -> subprocess.CompletedProcess:
    """`python -m` in a process of its own; `shell`: in front of it, for redirections. None unsets a name."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    env = {name: value for name, value in env.items() if value is not None}
    line = [sys.executable, "-m", *argv]
    if shell:
        line = ["/bin/sh", "-c", shell, "sh", *line]
    return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, errors="replace")


# every command


def command_modules() -> list[Path]:
    packages = ("nanospeech_core", "nanospeech_mlx", "nanospeech_torch", "convert")
    files = [file for package in packages for file in sorted((ROOT / package).rglob("*.py"))]
    return [file for file in files if 'if __name__ == "__main__":' in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", command_modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_is_prepared(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (main,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert [ast.unparse(call).partition("(")[0] for call in main.decorator_list] == ["command"]


@pytest.mark.parametrize("file", command_modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_command_imports_little_before_ctrl_c_is_one_line(file):
    """Outside of `with importing`, only what needs no third package and no module that does."""
    light = {"__future__", "sys", "os", "typing", "nanospeech_core.system.process", "nanospeech_core.errors"}
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    assert names <= light | {"load"}  # of the same package, light too


# streams


def printing(text: str):
    @command("prog")
    def main(argv, prog) -> int:
        print(text)
        return 0

    return main


@pytest.mark.parametrize(
    ("encoding", "errors", "expected"),
    [
        ("cp1252", "strict", b"caf\xe9 \\u5c0f\\u660e\n"),
        ("ascii", "surrogateescape", b"caf\\xe9 \\u5c0f\\u660e\n"),
        ("utf-8", "strict", "café 小明\n".encode()),
        ("ascii", "replace", b"caf? ??\n"),  # what somebody asked for stays
    ],
)
def test_what_an_encoding_lacks_is_printed_as_escapes(monkeypatch, encoding, errors, expected):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
    monkeypatch.setattr(sys, "stdout", stream)
    assert printing("café 小明")() == 0
    assert stream.buffer.getvalue() == expected and stream.errors == errors


def test_names_that_are_no_unicode_are_printed(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    assert printing("caf\udce9")() == 0 and stream.buffer.getvalue() == b"caf\\udce9\n"


OLD_LOCALES = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None},
]


@pytest.mark.slow
@pytest.mark.parametrize("locale", OLD_LOCALES)
def test_old_locales(locale):
    name = os.fsdecode("小明".encode())
    done = run("convert", "inspect", name, **locale)
    assert done.returncode == 1 and done.stderr.startswith("python -m convert: \\u")
    assert done.stderr.count("\n") == 1


def test_closed_streams_get_no_file(tmp_path):
    """Else what a C library prints would be written into the file."""
    code = (
        "import os, sys; from nanospeech_core.system.process import command\n"
        "@command('prog')\ndef main(argv, prog):\n"
        f"    with open({str(tmp_path / 'a')!r}, 'wb') as file:\n"
        "        file.write(str(file.fileno()).encode())\n"
        "    print('to stderr', file=sys.stderr)\n    return 3\nsys.exit(main())"
    )
    line = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(line, cwd=ROOT).returncode == 3
    assert int((tmp_path / "a").read_text()) > 2


full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")


@full
def test_a_full_stderr_changes_no_exit_code():
    done = run("convert", "inspect", "none", shell='exec "$@" 2>/dev/full')
    assert (done.returncode, done.stdout) == (1, "")


@full
def test_help_on_a_full_standard_output():
    done = run("convert", "--help", shell='exec "$@" >/dev/full', PYTHONUNBUFFERED=None)
    assert done.returncode == 1
    assert done.stderr == "python -m convert: cannot write to standard output: No space left on device\n"


def test_streams_are_as_before_afterwards(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with lenient_streams():
        assert stream.errors == "backslashreplace"
    assert stream.errors == "strict"


def test_a_current_folder_that_was_deleted(tmp_path):
    gone = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone"
    for name in ("convert", "nanospeech_mlx.generate"):
        done = run(name, "--help", shell=f'{gone} && exec "$@"')
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "the current folder was deleted: cd to another" in done.stderr
