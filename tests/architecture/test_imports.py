"""Who may import what: core neither framework, each backend not the other's; by statement and in effect."""

import ast
import functools
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "nanospeech_core": ("mlx", "torch", "nanospeech_mlx", "nanospeech_torch"),
    "nanospeech_mlx": ("torch", "nanospeech_torch"),
    "nanospeech_torch": ("mlx", "nanospeech_mlx"),
    "convert": ("mlx", "nanospeech_mlx", "nanospeech_torch"),
}
NEEDS = {"nanospeech_mlx": "mlx", "nanospeech_torch": "torch"}

# Importing every module of a package with some names absent: `None` in sys.modules makes their import fail.
# sounddevice is always absent: it may only be imported when sound is played.
IMPORT_ALL = """
import importlib, json, sys, traceback
modules, absent = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name in absent:
    sys.modules[name] = None
failures = {}
for name in modules:
    try:
        importlib.import_module(name)
    except BaseException:
        failures[name] = traceback.format_exc()
print(json.dumps(failures))
"""


def module_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> set[str]:
    """The top-level packages that a source imports anywhere, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@functools.cache
def import_failures(package: str) -> dict[str, str]:
    modules = [module_name(path) for path in module_files(package)]
    absent = [*FORBIDDEN[package], "sounddevice", *(["torch"] if package == "convert" else [])]
    command = [sys.executable, "-c", IMPORT_ALL, json.dumps(modules), json.dumps(absent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, f"importing {package} prints: {done.stdout}"
    return json.loads(done.stdout)


ALL = [(package, path) for package in FORBIDDEN for path in module_files(package)]
IDS = [module_name(path) for _, path in ALL]


@pytest.mark.parametrize(("package", "path"), ALL, ids=IDS)
def test_no_forbidden_import_statement(package: str, path: Path):
    assert not imported(path.read_text(encoding="utf-8")) & set(FORBIDDEN[package])


@pytest.mark.slow
@pytest.mark.parametrize(("package", "path"), ALL, ids=IDS)
def test_imports_where_the_forbidden_are_absent(package: str, path: Path):
    backend = NEEDS.get(package)
    if backend and importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    failure = import_failures(package).get(module_name(path))
    assert failure is None, failure


def test_the_scan_sees_lazy_imports():
    source = "def f():\n    import torch.nn as nn\n    from mlx.core import array\n    from .x import y\n"
    assert imported(source) == {"torch", "mlx"}
