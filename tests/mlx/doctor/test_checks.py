"""`doctor` on MLX: the device, the library of its products, weights of 8 bits."""

import os
import sys
from pathlib import Path

import pytest

mx = pytest.importorskip("mlx.core")

from nanospeech_core.doctor import networks
from nanospeech_core.doctor.finding import NOTE, OK, WRONG
from nanospeech_mlx.device import blas, kernels
from nanospeech_mlx.doctor import checks as doctor


def test_this_device():
    finding = doctor.check_device()
    assert finding.status in (OK, NOTE) and finding.text.startswith(f"MLX {mx.__version__} on ")
    assert finding.values["device"] == str(mx.default_device()) and finding.values["info"]
    assert finding.values["import"] >= 0


def test_without_mlx(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlx.core", None)
    finding = doctor.check_device()
    assert finding.status == WRONG and finding.text.startswith("MLX cannot be imported: ")
    assert finding.advice.startswith("pip install ")


def test_a_library_that_is_missing(monkeypatch):
    """As with `pip install mlx` on Linux: there is a module, and no library."""
    import builtins

    true = builtins.__import__

    def broken(name, *rest):
        if name == "mlx.core":
            raise ImportError("libmlx.so: cannot open shared object file")
        return true(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken)
    finding = doctor.check_device()
    assert finding.status == WRONG and "libmlx.so: cannot open" in finding.text


def test_a_device_that_cannot_add(monkeypatch):
    monkeypatch.setattr(mx, "arange", lambda count: mx.ones(count))
    finding = doctor.check_device()
    assert finding.status == WRONG and finding.text.endswith(": 0 + 1 + ... + 9 is 10.0")


@pytest.mark.skipif(mx.default_device() == mx.gpu, reason="it says what is wrong without a GPU")
def test_a_gpu_that_is_not_used(monkeypatch):
    true = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == "/dev/nvidia0" or true(path))
    finding = doctor.check_device()
    assert finding.status == NOTE and "not on the GPU" in finding.text and "cuda13" in finding.advice
    monkeypatch.setattr(sys, "platform", "darwin")
    finding = doctor.check_device()
    assert finding.status == NOTE and "not on the GPU" in finding.text


@pytest.mark.skipif(sys.platform != "linux" or kernels.on_gpu(), reason="a BLAS is needed on a CPU on Linux")
def test_products(monkeypatch):
    finding = doctor.check_products()
    assert finding.status == OK and finding.values["gflops"] > 0
    assert finding.values["library"] == Path(blas.use_fast_blas()).name
    monkeypatch.setattr(blas, "use_fast_blas", lambda: None)
    monkeypatch.delenv("NANOSPEECH_BLAS", raising=False)
    finding = doctor.check_products()
    assert finding.status == WRONG and finding.advice.startswith("pip install scipy-openblas32")
    monkeypatch.setenv("NANOSPEECH_BLAS", "0")
    finding = doctor.check_products()
    assert finding.status == NOTE and finding.advice.startswith("unset NANOSPEECH_BLAS")
    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    assert doctor.check_products().status == OK


@pytest.mark.slow
def test_the_library_of_the_environment(monkeypatch):
    """`check_products` in its own process, with NANOSPEECH_BLAS=0."""
    from nanospeech_core.doctor.checks import checks_for
    from nanospeech_core.doctor.isolation import run_checks

    if sys.platform != "linux":
        pytest.skip("Linux only")
    monkeypatch.setitem(os.environ, "NANOSPEECH_BLAS", "0")
    finding, _ = run_checks([check for check in checks_for("mlx") if check.name == "products"])
    assert finding.status == NOTE and finding.text.startswith("MLX's own, ")


@pytest.mark.slow
def test_weights_of_8_bits():
    """They have no fault of their own in tests/core/cli/test_doctor.py, which runs on any backend."""
    model = doctor.load(networks.QUANTIZED)
    assert model.config.quantization.bits == 8
    assert model.transformer.proj_out.__class__.__name__ == "QuantizedLinear"
    errors = networks.network_errors(model, networks.golden.NETWORKS)
    assert 1e-3 < errors["transformer"] < networks.BOUNDS[networks.QUANTIZED]
    assert errors["vocoder"] < 1e-4
    model.transformer.proj_out.scales = 1.2 * model.transformer.proj_out.scales
    errors = networks.network_errors(model, networks.golden.NETWORKS)
    assert networks.judge_errors(errors, networks.QUANTIZED).status == WRONG


def test_what_a_device_can():
    assert doctor.exact() is not kernels.on_gpu()
    assert doctor.lacks("bfloat16") == "" and "MLX_ENABLE_TF32=0" in doctor.backend().exact_advice
