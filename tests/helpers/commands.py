"""Run the commands, `python -m MODULE ARGUMENTS`, in this process or in a new one.

In this process, arguments, exit codes, files and messages are the same, without the seconds in which a new
interpreter imports a framework. `in_a_process` is for what only a process shows: which modules are imported,
signals, closed pipes, output that a library writes past Python.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]
OURS = ("nanospeech_core", "nanospeech_mlx", "nanospeech_torch", "convert")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, and what it printed."""

    code: int
    out: str
    err: str


def in_this_process(module: str, *arguments: object, stdin: bytes = b"") -> Done:
    """Run a command's `main()` as `python -m MODULE ARGUMENTS` does, with these bytes as standard input.

    MODULE may also be the path of a script. Any exception but SystemExit is raised. A changed environment,
    folder or signal handler fails the test.
    """
    main = _main(module)
    argv = [module, *map(str, arguments)]
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
        "stdout": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
        "stderr": io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True),
    }
    before = _state()
    with mock.patch.multiple(sys, argv=argv, **streams), warnings.catch_warnings():
        warnings.resetwarnings()  # as a fresh interpreter has them, and not pytest's
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        try:
            code = main()
        except SystemExit as exit_:
            code = exit_.code
    assert before.items() <= _state().items()  # the process is as it was, but for what libraries add to it
    assert isinstance(code, int | None), code  # a string would be printed
    out, err = (streams[name].buffer.getvalue().decode() for name in ("stdout", "stderr"))
    return Done(code or 0, out, err)


def in_a_process(
    module: str,
    *arguments: object,
    stdin: bytes = b"",
    folder: Path | None = None,
    absent: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Done:
    """The same in a new process, in the folder `folder`, without the packages `absent`."""
    line = [*start_of(module, absent), *map(str, arguments)]
    done = subprocess.run(
        line, input=stdin, cwd=folder, env=environment(env), capture_output=True, timeout=300
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def start_of(module: str, absent: tuple[str, ...] = ()) -> list[str]:
    """`python -m MODULE`, as if the packages `absent` were not installed."""
    if not absent:
        return [sys.executable, "-m", module]
    code = (
        "import runpy, sys; module = sys.argv.pop(1); "
        f"sys.modules.update(dict.fromkeys({absent!r})); "  # None makes an import fail
        "runpy.run_module(module, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-c", code, module]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment; a command finds the package from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **(more or {})}


@contextmanager
def set_aside(*packages: str) -> Iterator[None]:
    """In the block, packages are not imported yet. Their modules come back afterwards."""

    def drop() -> dict:
        return {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] in packages}

    kept = drop()
    try:
        yield
    finally:
        drop()
        sys.modules.update(kept)


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """In the block, packages are not installed, and this project is not imported yet."""
    with set_aside(*packages, *OURS):
        sys.modules.update(dict.fromkeys(packages))  # None makes an import fail
        yield


def _main(module: str) -> Callable[[], int]:
    if module.endswith(".py"):
        return runpy.run_path(module)["main"]
    package = importlib.util.find_spec(module).submodule_search_locations is not None
    return importlib.import_module(f"{module}.__main__" if package else module).main


def _state() -> dict[str, object]:
    handlers = {number.name: signal.getsignal(number) for number in SIGNALS}
    return {"folder": str(Path.cwd()), **handlers, **os.environ}


def stdin(monkeypatch, data: bytes, tty: bool = False) -> None:
    """Replace standard input by bytes."""
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    stream.isatty = lambda: tty
    monkeypatch.setattr(sys, "stdin", stream)
