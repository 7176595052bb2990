"""Processor, memory, load and environment variables."""

import os
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest

from nanospeech_core.doctor import machine
from nanospeech_core.doctor.finding import NOTE, OK


@pytest.fixture
def idle(monkeypatch):
    """A machine with nothing to do, and enough memory."""
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(machine, "free_memory", lambda total: 8.0)


def test_this_machine(idle):
    finding = machine.check_machine()
    assert finding.status == OK and "cores" in finding.text and "load 0.0" in finding.text
    assert finding.values["usable_cores"] >= 1 and finding.values["memory_gb"] > 1


def test_a_busy_machine_and_one_without_memory(idle, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda total: 0.4)
    finding = machine.check_machine()
    assert (finding.status, finding.advice) == (NOTE, "little memory is free: close other programs")
    monkeypatch.setattr(os, "getloadavg", lambda: (100.0, 0.0, 0.0))
    finding = machine.check_machine()
    assert finding.status == NOTE and "busy" in finding.advice and "load 100.0" in finding.text


def read_files(monkeypatch, files: dict[str, str]) -> None:
    """Replace the files of /proc and /sys."""

    def read_text(path, encoding):
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(Path, "read_text", read_text)


def test_instructions_of_both_processors(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    read_files(
        monkeypatch, {"/proc/cpuinfo": "model name\t: x\nflags\t\t: fpu avx2 avx512_vnni avx avx5120\n"}
    )
    assert machine.instructions() == ["avx", "avx2", "avx512_vnni"]
    read_files(monkeypatch, {"/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd i8mm bf16\n"})
    assert machine.instructions() == ["asimd", "i8mm", "bf16"]
    read_files(monkeypatch, {})
    assert machine.instructions() == []


def test_a_mac(monkeypatch):
    answers = {
        "hw.optional.arm.FEAT_BF16": "1",
        "hw.optional.arm.FEAT_SME": "0",
        "kern.memorystatus_level": "40",
    }

    def run(line, **options):
        return SimpleNamespace(stdout=answers.get(line[-1], "") + "\n")

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(machine.subprocess, "run", run)
    assert machine.instructions() == ["FEAT_BF16"]
    assert machine.free_memory(16.0) == 6.4 and machine.free_memory(None) is None
    answers.clear()
    assert machine.free_memory(16.0) is None


def test_a_container(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    files = {
        "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   8000000 kB\n",
        "/sys/fs/cgroup/memory.max": "2000000000\n",
        "/sys/fs/cgroup/memory.current": "500000000\n",
        "/sys/fs/cgroup/cpu.max": "150000 100000\n",
    }
    read_files(monkeypatch, files)
    assert machine.free_memory(16.0) == 1.5 and machine.cpu_quota() == 1.5
    read_files(
        monkeypatch, files | {"/sys/fs/cgroup/memory.max": "max", "/sys/fs/cgroup/cpu.max": "max 100000"}
    )
    assert machine.free_memory(16.0) == 8.2 and machine.cpu_quota() is None
    read_files(monkeypatch, {})
    assert machine.free_memory(16.0) is None and machine.cpu_quota() is None


def test_settings_without_secrets(monkeypatch):
    for name in os.environ:
        monkeypatch.delenv(name)
    assert machine.check_settings().text == "no environment variables that matter"
    for name in ("MLX_ENABLE_TF32", "HF_TOKEN", "HF_HUB_OFFLINE", "AWS_KEY", "HF_ENDPOINT", "LANGUAGE_KEY"):
        monkeypatch.setenv(name, "1")
    finding = machine.check_settings()
    assert finding.status == OK and finding.text == "HF_HUB_OFFLINE=1, MLX_ENABLE_TF32=1"
    assert finding.values == {"HF_HUB_OFFLINE": "1", "MLX_ENABLE_TF32": "1"}
