"""`doctor` on PyTorch: the device, the libraries of its products."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from nanospeech_core.doctor.finding import NOTE, OK, WRONG
from nanospeech_torch.doctor import checks as doctor


def test_this_device():
    finding = doctor.check_device()
    assert finding.status in (OK, NOTE) and finding.text.startswith(f"PyTorch {torch.__version__} on ")
    assert finding.values["threads"] >= 1 and finding.values["import"] >= 0
    assert bool(finding.values["devices"]) is torch.cuda.is_available()


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    finding = doctor.check_device()
    assert finding.status == WRONG and finding.text.startswith("PyTorch cannot be imported: ")
    assert finding.advice.startswith('pip install ".[torch]"')


def test_a_device_that_cannot_add(monkeypatch):
    monkeypatch.setattr(torch, "arange", lambda count, device: torch.ones(count))
    finding = doctor.check_device()
    assert finding.status == WRONG and finding.text.endswith(": 0 + 1 + ... + 9 is 10.0")


def test_a_gpu_that_is_not_used(monkeypatch):
    true = Path.exists
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "exists", lambda path: str(path) == "/dev/nvidia0" or true(path))
    finding = doctor.check_device()
    assert finding.status == NOTE and "not on the GPU" in finding.text and "driver" in finding.advice


def test_a_gpu(monkeypatch):
    true = torch.arange
    monkeypatch.setattr(torch, "arange", lambda count, device: true(count))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    properties = SimpleNamespace(name="NVIDIA H200", major=9, minor=0, total_memory=141_000_000_000)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: properties)
    finding = doctor.check_device()
    assert finding.status == OK and finding.text.endswith("on CUDA: NVIDIA H200")
    assert finding.values["devices"] == [{"name": "NVIDIA H200", "capability": "9.0", "memory_gb": 141.0}]
    assert not doctor.exact()
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert doctor.lacks("bfloat16") == "this GPU has no bfloat16" and doctor.lacks("float16") == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="it names the libraries of a CPU")
def test_products():
    finding = doctor.check_products()
    assert finding.status == OK and finding.values["gflops"] > 0
    assert finding.values["libraries"] and "cuBLAS" not in finding.values["libraries"]
