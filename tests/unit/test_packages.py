"""What an import does: public names on demand, one sentence for a missing framework, a BLAS for MLX."""

import ctypes
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from backends import NAMES, Backend

ROOT = Path(__file__).parents[2]
PUBLIC = ["DiT", "DiffLoss", "DurationPredictor", "PhoneDurationPredictor", "Vocos"]


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter at the root of the repository."""
    command = [sys.executable, "-c", code]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", NAMES)
def test_public_names(name):
    Backend(name)
    package = importlib.import_module(f"nanospeech_{name}")
    for public in PUBLIC:
        assert getattr(package, public).__name__ == public
        assert public in dir(package) and public in package.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Dit'"):
        _ = package.Dit


@pytest.mark.parametrize(("name", "missing"), [("mlx", "mlx.core"), ("torch", "torch")])
def test_the_users_error_needs_no_framework(name, missing):
    package = f"nanospeech_{name}"
    done = python(
        f"import sys; sys.modules[{missing!r}] = None\nimport {package}\n"
        "print([n for n in sys.modules if n.startswith('nanospeech_core.') and n[16:] != 'process'])\n"
        f"from {package} import UserError\n"
        f"print(UserError.__module__, 'UserError' in {package}.__all__, 'UserError' in dir({package}))"
    )
    assert (done.stdout, done.stderr) == ("[]\nnanospeech_core.errors True True\n", "")


@pytest.mark.parametrize("name", NAMES)
def test_import_is_lazy(name):
    Backend(name)
    heavy = {"torch": "torch", "mlx": "mlx.nn"}[name]
    done = python(f"import sys, nanospeech_{name}; print({heavy!r} in sys.modules)")
    assert (done.stdout.strip(), done.stderr) == ("False", "")


@pytest.mark.parametrize(
    ("package", "missing", "command"),
    [
        ("nanospeech_mlx", "mlx.core", 'pip install "nanospeech-mar[cpu]"'),
        ("nanospeech_torch", "torch", 'pip install "nanospeech-mar[torch]"'),
    ],
)
def test_missing_framework_is_one_sentence(package, missing, command):
    done = python(f"import sys; sys.modules[{missing!r}] = None\nfrom {package} import DiT")
    assert done.returncode == 1
    assert command in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["mlx", "torch"])
def test_a_package_by_itself_lists_its_commands(name):
    package = f"nanospeech_{name}"
    line = [sys.executable, "-X", "importtime", "-m", package]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    heavy = {"torch", "mlx.core", "mlx_lm", "phonemizer", "soundfile", "huggingface_hub"}
    assert not heavy & {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}
    runnable = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        for path in (ROOT / package).rglob("*.py")
        if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
    }
    listed = [row.split("  ", 1) for row in done.stdout.splitlines()]
    assert {command for command, _ in listed} == {
        f"python -m {module}" for module in {"convert", *runnable} - {package}
    }
    assert all(does.strip() for _, does in listed)
    told = subprocess.run([*line, "generate"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2 and f"usage: python -m {package}.COMMAND" in told.stderr


BLAS = """
import ctypes, sys
sys.modules["nanospeech_mlx"] = type(sys)("nanospeech_mlx")  # its __init__ would lend before we look
sys.modules["nanospeech_mlx"].__path__ = ["nanospeech_mlx"]
from nanospeech_mlx import blas
%s
before = hasattr(ctypes.CDLL(None), "sgemm_")
lent = blas.lend_blas()
print(before, lent is not None, hasattr(ctypes.CDLL(None), "sgemm_"), "torch" in sys.modules)
"""


@pytest.mark.skipif(not hasattr(os, "RTLD_DEEPBIND"), reason="only glibc has it")
def test_a_library_with_its_own_blas_is_loaded_before_one_is_lent(monkeypatch, tmp_path):
    """Two MKLs in one process, PyTorch's lent to MLX and CTranslate2's, must not mix."""
    Backend("mlx")
    from nanospeech_mlx import blas

    for folder, name in (("ctranslate2", "__init__.py"), ("ctranslate2.libs", "libctranslate2-1.so.4")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ctranslate2", raising=False)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    monkeypatch.setattr(blas, "candidates", lambda: ["libmkl.so"])
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode: loaded.append((name, mode)))
    monkeypatch.setenv("NANOSPEECH_BLAS", "1")
    assert blas.lend_blas() == "libmkl.so"
    own = str(tmp_path / "ctranslate2.libs" / "libctranslate2-1.so.4")
    assert loaded == [(own, os.RTLD_DEEPBIND), ("libmkl.so", ctypes.RTLD_GLOBAL)]
    assert "ctranslate2" not in sys.modules


@pytest.mark.skipif(sys.platform != "linux", reason="BLAS is lent on Linux only")
@pytest.mark.parametrize(
    ("setting", "code", "lent"),
    [
        ("1", "", True),
        ("0", "", False),
        ("1", "sys.platform = 'darwin'", False),
        ("1", "import mlx.core", False),
        ("1", "blas.candidates = lambda: ['/nowhere/libblas.so']", False),
        ("1", "find = blas.candidates; blas.candidates = lambda: ['/nowhere/libblas.so', *find()]", True),
    ],
    ids=["lent", "forbidden", "another system", "too late", "broken", "broken, then whole"],
)
def test_blas(setting, code, lent):
    Backend("mlx")
    from nanospeech_mlx.blas import candidates

    if lent and not list(candidates()):
        pytest.skip("no BLAS to lend on this machine")
    done = python(BLAS % code, NANOSPEECH_BLAS=setting)
    assert done.stderr == ""
    before, was_lent, after, torch = done.stdout.split()
    assert (was_lent, torch) == (str(lent), "False")
    if lent:
        assert (before, after) == ("False", "True")
    else:
        assert after == before
