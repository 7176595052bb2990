"""Freed memory is kept on Linux with glibc, unless the user set limits or there is a GPU."""

import os
import platform
import subprocess
import sys

import pytest

pytest.importorskip("mlx.core")
GLIBC = platform.libc_ver()[0] == "glibc"
FREED = """
import resource, sys
import mlx.core as mx
from nanospeech_mlx.device.memory import keep_freed_memory

print(keep_freed_memory() if sys.argv[1] == "keep" else None)
x = mx.ones((1000, 1000))
mx.eval(x)

def compute():
    parts = [x[:rows] * 1.5 for rows in range(100, 1000, 50)]
    mx.eval(parts)

compute()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    compute()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(code: str, *arguments: str, **variables: str) -> list[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))
    }
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_pages_are_not_cleared_again():
    kept, faults = run(FREED, "keep")
    assert kept == "True"
    _, faults_without = run(FREED, "no")
    assert int(faults) < 0.1 * int(faults_without)


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_the_users_limits_stay(name):
    value = "glibc.malloc.trim_threshold=131072" if name == "GLIBC_TUNABLES" else "131072"
    assert run(FREED, "keep", **{name: value})[0] == "False"


def test_a_gpu_and_other_systems_have_their_own(monkeypatch):
    from nanospeech_mlx.device import memory

    for name in memory._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(memory.mx, "default_device", lambda: memory.mx.gpu)
    assert memory.keep_freed_memory.__wrapped__() is False
    monkeypatch.undo()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.keep_freed_memory.__wrapped__() is False


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_a_public_class_sees_to_it():
    code = "from nanospeech_mlx import Nanospeech; from nanospeech_mlx.device import memory;"
    assert run(code + "print(memory.keep_freed_memory.cache_info().currsize)") == ["1"]
