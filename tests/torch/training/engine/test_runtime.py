"""Signals that stop a run."""

import os
import signal
import time

import pytest

torch = pytest.importorskip("torch")

from nanospeech_torch.training.engine import runtime


def test_the_first_signal_is_noted_and_a_later_ctrl_c_interrupts():
    """Two SIGTERM are one: SLURM's to all processes of a job, and what torchrun sends on."""
    before = signal.getsignal(signal.SIGTERM)
    with runtime.stop_signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert received[0] == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx2 avx512f avx512bw", "fp32"),
        ("fpu avx512f avx512_bf16", "bf16"),
        ("fpu amx_bf16 amx_tile", "bf16"),
        (None, "fp32"),
    ],
)
def test_a_cpu_without_units_for_bfloat16_computes_in_float32(tmp_path, monkeypatch, flags, precision):
    path = tmp_path / "cpuinfo"
    if flags is not None:
        path.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: avx512_bf16x\n")
    found = runtime.cpu_flags(str(path))
    assert found == set((flags or "").split())
    monkeypatch.setattr(runtime, "cpu_flags", lambda: found)
    assert runtime.find_precision(torch.device("cpu")) == precision
    assert runtime.find_precision(torch.device("mps")) == "fp32"


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_computes_in_bfloat16_if_it_can(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert runtime.find_precision(torch.device("cuda")) == precision
