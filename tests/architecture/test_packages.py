"""What an import does: public names on demand, one sentence for a missing framework, a BLAS for MLX."""

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
        "print([n for n in sys.modules if n.startswith('nanospeech_core.') and 'system' not in n])\n"
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
        ("nanospeech_mlx", "mlx.core", 'pip install ".[cpu]" in the folder'),
        ("nanospeech_torch", "torch", 'pip install ".[torch]" in the folder'),
    ],
)
def test_missing_framework_is_one_sentence(package, missing, command):
    done = python(f"import sys; sys.modules[{missing!r}] = None\nfrom {package} import DiT")
    assert done.returncode == 1
    assert command in done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlx", "torch"])
def test_a_package_by_itself_lists_its_commands(name):
    package = f"nanospeech_{name}"
    line = [sys.executable, "-X", "importtime", "-m", package]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    heavy = {"torch", "mlx.core", "mlx_lm", "espeakng_loader", "soundfile", "huggingface_hub"}
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
    result = subprocess.run([*line, "generate"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and f"usage: python -m {package}.COMMAND" in result.stderr
