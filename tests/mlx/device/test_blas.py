"""A fast BLAS under MLX's CPU build, found on this machine and in no other library's way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from backends import Backend

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only the Linux build has a slow BLAS")

TIMES = """
import time, warnings
warnings.simplefilter("error")
from nanospeech_mlx.device import blas
{before}
import mlx.core as mx
from mlx import nn

a, b = (mx.random.normal((1024, 1024), key=mx.random.key(seed)) for seed in (0, 1))
half = mx.random.normal((8, 96, 64), key=mx.random.key(2)), mx.random.normal((64, 48), key=mx.random.key(3))
mx.eval(a, b, half)

def product():
    began = time.process_time()
    result = a @ b.T
    mx.eval(result)
    return result, time.process_time() - began

slow, first = product()
path = blas.use_fast_blas()
fast, second = min((product() for _ in range(3)), key=lambda pair: pair[1])
double = a.astype(mx.float64, stream=mx.cpu), b.astype(mx.float64, stream=mx.cpu)
exact = mx.matmul(double[0], double[1].T, stream=mx.cpu).astype(mx.float32, stream=mx.cpu)
complex_ = (a[:64, :64] + 1j * b[:64, :64]) @ (b[:64, :64] + 0j)
wanted = (a[:64, :64] @ b[:64, :64]) + 1j * (b[:64, :64] @ b[:64, :64])
errors = [mx.abs(x - y).max().item() for x, y in ((slow, fast), (fast, exact), (complex_, wanted))]
print(path, first / second, max(errors))
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)


def one_of(number: int) -> str:
    return f"find = blas.candidates; blas.candidates = lambda: list(find())[{number}:{number} + 1]"


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_products_are_many_times_faster_and_the_same(number):
    """By each library that is found here, after MLX has multiplied without; the first is installed."""
    Backend("mlx")
    from nanospeech_mlx.device.blas import candidates

    found = list(candidates())
    assert "scipy_openblas32" in found[0].path
    if number >= len(found):
        pytest.skip("there are no more libraries here")
    done = python(TIMES.format(before=one_of(number)))
    assert (done.returncode, done.stderr) == (0, "")
    path, times, error = done.stdout.split()
    assert path == found[number].path
    assert float(times) > 4 and float(error) < 1e-3  # 20 to 40 times, on two processors


@pytest.mark.slow
def test_one_that_does_not_load_is_passed_over():
    Backend("mlx")
    broken = "[blas.Candidate('/nowhere/lib.so', 'cblas_{}'), blas.Candidate('libc.so.6', 'no_{}'), *find()]"
    done = python(TIMES.replace("{before}", f"find = blas.candidates; blas.candidates = lambda: {broken}"))
    assert "openblas" in done.stdout and done.stderr == "", done.stderr


def test_without_any_a_line_names_the_remedy():
    Backend("mlx")
    code = "from nanospeech_mlx.device import blas; blas.candidates = lambda: []; blas.use_fast_blas()"
    done = python(f"{code}; blas.use_fast_blas()", PYTHONWARNINGS="default")
    (line,) = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert "pip install scipy-openblas32" in line and done.returncode == 0


def test_it_can_be_forbidden():
    Backend("mlx")
    code = (
        "from nanospeech_mlx import DiT; from nanospeech_mlx.device import blas; print(blas.use_fast_blas())"
    )
    assert python(code, NANOSPEECH_BLAS="0").stdout == "None\n"


def test_another_system_is_left_alone(monkeypatch):
    Backend("mlx")
    from nanospeech_mlx.device import blas

    monkeypatch.setattr(sys, "platform", "darwin")
    assert blas.use_fast_blas.__wrapped__() is None


def test_a_gpu_needs_none(monkeypatch, recwarn):
    Backend("mlx")
    import mlx.core as mx

    from nanospeech_mlx.device import blas

    monkeypatch.setattr(mx, "default_device", lambda: mx.gpu)
    monkeypatch.setattr(blas, "candidates", lambda: [])
    assert blas.use_fast_blas.__wrapped__() is None and not recwarn.list


def test_other_libraries_do_not_see_it():
    """faster-whisper's own MKL transcribes garbage where a second one's symbols come first."""
    Backend("mlx")
    code = """
import ctypes
from nanospeech_mlx import DiT
from nanospeech_mlx.device import blas
path, symbols = blas.use_fast_blas(), ctypes.CDLL(None)
names = "sgemm_", "cblas_sgemm", "scipy_cblas_sgemm"
print(path is not None, any(hasattr(symbols, name) for name in names))
"""
    assert python(code).stdout == "True False\n"


def test_it_computes_in_the_thread_that_calls_it():
    Backend("mlx")
    code = """
import ctypes, os
os.environ.pop("OPENBLAS_NUM_THREADS")
from nanospeech_mlx import DiT
from nanospeech_mlx.device import blas
print(ctypes.CDLL(blas.use_fast_blas()).scipy_openblas_get_num_threads())
"""
    assert python(code).stdout == "1\n"
    if len(os.sched_getaffinity(0)) > 1:
        kept = code.replace('os.environ.pop("OPENBLAS_NUM_THREADS")', "")
        assert python(kept, OPENBLAS_NUM_THREADS="2").stdout == "2\n"


@pytest.mark.parametrize("setting", [None, "20"])
def test_its_threads_soon_sleep_after_a_product(setting, monkeypatch):
    """OpenBLAS reads the setting when it is loaded; programs that are started later must not get it."""
    Backend("mlx")
    from nanospeech_mlx.device import blas

    name = "OPENBLAS_THREAD_TIMEOUT"
    monkeypatch.delenv(name, raising=False)
    if setting is not None:
        monkeypatch.setenv(name, setting)
    monkeypatch.setattr(blas.ctypes, "CDLL", lambda path: os.environ[name])
    assert blas._load("") == (setting or blas.SPIN[name])
    assert os.environ.get(name) == setting
